"""The matrix on the screen: it is measured cell by cell, can be stopped, and opens the stall of a cell."""

from dataclasses import replace
from typing import Any

import pytest
from echo_servers.block import KINDS, BlockSetting
from echo_servers.catalog import PATTERNS, find
from echo_tui.diagnosis.stall import Cause
from echo_tui.experiments.cell import Blame, Cell, ClientMeasurements, Effect, Newcomer
from echo_tui.experiments.measure import Measured, measure
from echo_tui.experiments.parameters import CellParameters
from echo_tui.session.session import Session
from echo_tui.tui.matrix import MatrixScreen, described
from textual.coordinate import Coordinate
from textual.screen import Screen
from textual.widgets import DataTable, Static

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard
from tests.tui.still import NOW, run
from tests.tui.test_stalls import stalled

ROWS = {pattern.name: number for number, pattern in enumerate(PATTERNS)}


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_tui.tui.screen_keys.CellParameters", lambda: CellParameters(seconds=0.3, clients=2))


async def opened(stage: Stage) -> MatrixScreen:
    await stage.press("w")
    await stage.until(lambda: isinstance(stage.app.screen, MatrixScreen), "the matrix")
    screen = stage.app.screen
    assert isinstance(screen, MatrixScreen)
    await stage.until(lambda: screen.query_one(DataTable).row_count == len(PATTERNS), "its rows")
    return screen


def detail(screen: Screen[Any]) -> str:
    return str(screen.query_one("#matrix-detail", Static).render())


async def to(stage: Stage, pattern: str, kind: str) -> None:
    """Move the cursor to a cell."""
    screen = stage.app.screen
    screen.query_one(DataTable).move_cursor(row=ROWS[pattern], column=KINDS.index(kind) + 1)
    await stage.pilot.pause()


async def test_row_is_measured_and_leads_to_its_stall() -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.connected(2)
        screen = await opened(stage)
        await to(stage, "asyncio", "sleep")
        assert "not measured yet" in detail(screen)
        await stage.press("space")
        await stage.until(lambda: screen.measuring, "it measures")
        assert not stage.app.live.running, "it would disturb the measurement"
        await stage.until(lambda: not screen.measuring, "it has measured")
        assert set(screen.measured) == {("asyncio", kind) for kind in KINDS}
        table = screen.query_one(DataTable)
        said = [str(table.get_cell_at(Coordinate(ROWS["asyncio"], column))) for column in range(1, len(KINDS) + 1)]
        assert all("stopped" in words for words in said), said
        await stage.until(lambda: "The stall: blocked; " in detail(screen), "what it came of")
        assert "\n at block.py:" in detail(screen)
        await stage.press("enter")
        await stage.until(lambda: stage.app.frozen, "the moment of its stall")
        await stage.shows("STALL", "blocked", "asleep")
        assert stage.app.shown.server
        assert stage.app.shown.server.pattern == "asyncio"
        assert "asyncio, in the matrix:" in stage.text
        await stage.serving("multithread")
        await stage.until(lambda: "thread per client" in stage.shown("header"), "what runs is in the header")
        await stage.press("p")
        await stage.until(lambda: "multithread.py" in str(stage.panel("source").border_title), "its source again")
        await stage.connected(2)


async def test_measuring_can_be_stopped_and_keeps_its_cells() -> None:
    async with dashboard() as stage:
        screen = await opened(stage)
        await stage.press("r")
        await stage.until(lambda: len(screen.measured) >= 1, "a cell")
        await stage.press("escape")
        await stage.until(lambda: not screen.measuring, "it has stopped")
        measured = len(screen.measured)
        assert measured < len(PATTERNS) * len(KINDS)
        await stage.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, MatrixScreen), "the dashboard")
        again = await opened(stage)
        assert len(again.measured) == measured


async def test_leaving_while_measuring_leaves_nothing_behind() -> None:
    async with dashboard() as stage:
        screen = await opened(stage)
        await stage.press("r")
        await stage.until(lambda: screen.measuring, "it measures")
        await stage.press("ctrl+c")
        await stage.until(lambda: not isinstance(stage.app.screen, MatrixScreen), "the dashboard")
    # `dashboard` itself checks that no process is left.


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]))
async def test_matrix_fits_at_every_size(size: tuple[int, int]) -> None:
    async with dashboard(size=size) as stage:
        stage.app.measured[PATTERNS[0].name, "sleep"] = Measured(Cell(PATTERNS[0].name, "sleep", "it serves nobody"))
        screen = await opened(stage)
        table = screen.query_one(DataTable)
        assert table.virtual_size.width <= size[0]
        assert "it serves nobody" in detail(screen)
        rows = "\n".join(strip.text for strip in table.render_lines(table.size.region))
        for kind in KINDS:
            assert kind in rows
        await stage.pilot.resize_terminal(80, 24)
        await stage.until(lambda: table.virtual_size.width <= 80, "it fits again")


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]))
async def test_cell_shows_the_newcomers_result_at_every_size(size: tuple[int, int]) -> None:
    stopped = ClientMeasurements(Effect.STOPPED, 1000.0, 1.0, None, None, None)
    slowed = ClientMeasurements(Effect.SLOWED, 0, 0.0, 1.0, 122.0, 122.0)
    cells = (
        Cell("asyncio", "sleep", others=(stopped,), expected=(Effect.STOPPED,), newcomer=Newcomer(1.0, 900.0, False)),
        Cell("asyncio", "cpu", others=(slowed,), expected=(Effect.SLOWED,), newcomer=Newcomer(1.0, 5.0, True)),
    )
    async with dashboard(size=size) as stage:
        for cell in cells:
            stage.app.measured[cell.pattern, cell.kind] = Measured(cell)
        screen = await opened(stage)
        table = screen.query_one(DataTable)
        rows = "\n".join(strip.text for strip in table.render_lines(table.size.region))
        row = next(line for line in rows.splitlines() if line.startswith(" asyncio "))
        assert all(words in row for words in ("stopped 100", "slowed")), row
        assert "◐" in row
        assert "●" in row
        assert "new" not in row, "the same notation at every size"
        assert "…" not in row
        title = str(screen.query_one("#matrix-title", Static).render())
        assert "◐ waits" in title
        assert "2/3: two of three" in title or size[0] < 140


SILENT = ClientMeasurements(Effect.UNTOUCHED, 60.0, 0.06, 0.5, 1.3, 1.5, same_process=False)
SLOW = ClientMeasurements(Effect.SLOWED, 40.0, 0.04, 0.5, 5.9, 7.0)
SHARED = Cell(
    "process-thread-pool", "cpu", "", 1.0, 1.0, (SILENT, SLOW), (Effect.UNTOUCHED, Effect.SLOWED),
    Newcomer(1.234, 435.7, False, same_process=False),
    Blame(1, Cause.GIL, "block.py:148 c_gil, called at asyncio_protocol.py:123 data_received",
          12, 1234.5, True, True),
)  # fmt: skip


async def test_details_describe_the_client_that_the_cell_describes() -> None:
    async with dashboard() as stage:
        said = [line for line, _ in described(SHARED, stage.app.palette)]
    assert said[0] == "The others: slowed +5.4 ms, 1 of 2; longest silence 40.0 ms of 1.0 s"
    assert said[1] == "Three of four round trips: 0.50 ms before, 5.9 ms during the block"
    assert said[3] == "Expected: slowed for those in its process, untouched for others. So it is."


async def test_details_fit_the_smallest_screen() -> None:
    stopped = replace(SLOW, effect=Effect.STOPPED)
    longest = replace(SHARED, others=(SILENT, stopped), expected=(Effect.UNTOUCHED, Effect.STOPPED))
    async with dashboard(size=(80, 24)) as stage:
        stage.app.measured[longest.pattern, longest.kind] = Measured(longest)
        screen = await opened(stage)
        await to(stage, longest.pattern, longest.kind)
        await stage.until(lambda: "The stall" in detail(screen), "its stall")
        widget = screen.query_one("#matrix-detail", Static)
        said = detail(screen).splitlines()
        assert max(map(len, said)) <= widget.size.width, said
        assert len(said) <= widget.size.height


async def test_fix_in_a_cells_snapshot_is_that_of_the_cell() -> None:
    measured = await measure(find("asyncio"), "c-call", CellParameters(seconds=0.5, clients=2))
    async with dashboard("multithread", clients=1) as stage:
        await stage.connected(1)
        stage.app.measured["asyncio", "c-call"] = measured
        await opened(stage)
        await to(stage, "asyncio", "c-call")
        await stage.press("enter")
        await stage.until(lambda: stage.app.origin, "the picture")
        assert "block: c-call:0.5 ON" in stage.shown("header"), "the block of the cell"
        await stage.serving("multithread")
        await stage.until(lambda: "→ asyncio to a thread" in stage.shown("patterns"), "the fix is marked")
        await stage.until(lambda: "switches" in stage.shown("cpu"), "its CPU")
        await stage.press("x")
        await stage.serving("asyncio-to-thread")
        block = stage.app.live.session.block
        assert (block.on, block.kind, block.seconds) == (True, "c-call", 0.5)
        assert stage.app.origin is None


async def test_footer_in_a_cells_snapshot_has_its_stall_keys() -> None:
    session = Session()
    session.apply_all(run())
    cell = replace(SHARED, pattern="asyncio-blocking", kind="sleep")
    async with dashboard("multithread", clients=1) as stage:
        await stage.until(lambda: "stop" in stage.footer() and "[ ] stalls" not in stage.shown("keys"), "no stall")
        stage.app.measured["asyncio-blocking", "sleep"] = Measured(cell, {1: (session, NOW)}, session)
        await opened(stage)
        await to(stage, "asyncio-blocking", "sleep")
        await stage.press("enter")
        await stage.until(lambda: stage.app.origin and "[ ] stalls" in stage.shown("keys"), "the picture and its keys")
        await stage.press("left_square_bracket")
        assert stage.notices()[-1] == "No stall before this one"
        await stage.press("right_square_bracket")
        await stage.until(lambda: "[ ] stalls" not in stage.shown("keys"), "what goes on has had none")


async def test_leaving_a_cells_snapshot_returns_to_that_cell() -> None:
    session = Session()
    session.apply_all(run())
    cell = replace(SHARED, pattern="gevent", kind="cpu")
    async with dashboard("multithread") as stage:
        stage.app.measured["gevent", "cpu"] = Measured(cell, {1: (session, NOW)}, session)
        await opened(stage)
        await to(stage, "gevent", "cpu")
        await stage.press("enter")
        await stage.until(lambda: stage.app.origin and "back" in stage.footer(), "the picture")
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, MatrixScreen), "the matrix again")
        await stage.until(lambda: " gevent / cpu" in detail(stage.app.screen), "the same cell")
        await stage.press("enter")
        await stage.until(lambda: stage.app.origin, "the picture again")
        await stage.press("p")
        await stage.until(lambda: not stage.app.frozen, "what goes on")
        await stage.serving("multithread")


@pytest.mark.slow
@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]))
async def test_matrix_warns_before_measuring_stops_the_server(size: tuple[int, int]) -> None:
    async with dashboard("multithread", size, clients=1) as stage:
        await stage.connected(1)
        server = stage.session.server
        screen = await opened(stage)
        await stage.until(lambda: "not measured yet" in detail(screen), "a cell")
        assert "Measuring stops the server that runs" in detail(screen)
        assert "measuring stops the server" in str(screen.query_one("#matrix-keys", Static).render())
        await stage.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, MatrixScreen), "the dashboard")
        assert stage.session.server is server, "the server kept running"
        screen = await opened(stage)
        await stage.press("space")
        await stage.until(lambda: not stage.app.live.running, "now it is stopped")
        await stage.until(lambda: not screen.measuring, "it has measured")
        assert "Measuring stops" not in stage.text
        await stage.press("escape")
        await stage.serving("multithread")
        await stage.until(lambda: stage.session.totals.new == 1, "our client is back")


async def test_matrix_opens_at_the_last_cell() -> None:
    async with dashboard() as stage:
        await opened(stage)
        await stage.press("down", "down", "right")
        await stage.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, MatrixScreen), "the dashboard")
        screen = await opened(stage)
        await stage.until(lambda: f" {PATTERNS[2].title} / {KINDS[1]}" in detail(screen), "the same cell")
        await stage.pilot.resize_terminal(100, 30)
        await stage.few_redraws()
        assert f" {PATTERNS[2].title} / {KINDS[1]}" in detail(screen)


@pytest.mark.slow
async def test_stall_keys_go_through_the_stalls_of_the_cell() -> None:
    cell = replace(SHARED, pattern="asyncio", kind="sleep")
    async with dashboard("asyncio", clients=3, block=BlockSetting("sleep", 0.6)) as stage:
        for _ in range(2):
            await stalled(stage)
            await stage.until(lambda: not stage.session.blocks.running and not stage.session.stalls.going, "quiet")
        measured = Measured(cell, dict(stage.app.live.stall_snapshots.kept), stage.session)
        numbers = sorted(measured.stall_snapshots)
        assert len(numbers) > 1
        stage.app.measured["asyncio", "sleep"] = measured
        await opened(stage)
        await to(stage, "asyncio", "sleep")
        await stage.press("enter")
        await stage.until(lambda: stage.app.origin, "the picture")
        while stage.app.stall != numbers[0]:
            await stage.press("left_square_bracket")
        for number in numbers[1:]:
            await stage.press("right_square_bracket")
            assert (stage.app.stall, stage.app.origin) == (number, measured)
            await stage.shows(f"STALL {number} of {numbers[-1]}")
        await stage.press("right_square_bracket")
        assert stage.app.frozen is None
        assert stage.app.origin is None


async def test_failed_cells_are_measured_again_but_not_impossible_ones() -> None:
    async with dashboard() as stage:
        for name, kind, why in (("nonblocking", "sleep", "it serves nobody"), ("asyncio", "sleep", "it has died")):
            stage.app.measured[name, kind] = Measured(Cell(name, kind, why))
        slow = Cell("eventlet", "cpu", others=(SLOW,), expected=(Effect.SLOWED,), newcomer=Newcomer(0.3, 5.0, True))
        stage.app.measured["eventlet", "cpu"] = Measured(slow)
        screen = await opened(stage)
        await stage.shows(f"1 of {len(PATTERNS) * len(KINDS)} measured, 1 can't be, 1 failed", "r measure the rest")
        table = screen.query_one(DataTable)
        cells = [table.get_cell_at(Coordinate(ROWS[name], 1)) for name in ("nonblocking", "asyncio")]
        assert [str(cell) for cell in cells] == ["– it serves nobody", "– it has died"]
        assert ("nonblocking", "sleep") not in screen._missing
        assert ("asyncio", "sleep") in screen._missing
        mark = table.get_cell_at(Coordinate(ROWS["eventlet"], KINDS.index("cpu") + 1)).spans[-1]
        assert mark.style == stage.app.palette.good, "the new client was served, although others were affected"
        assert stage.app.picture_name().startswith("echo-tui-matrix-")
