"""Text that is shortened where there is little room, instead of left out."""

import re

import pytest
from echo_servers.records import Note, Recv
from echo_tui.model.observations import Observation
from echo_tui.tui.dialogs import Ask
from echo_tui.tui.panels.connections import titles
from echo_tui.tui.panels.log import MOST_ROWS, LogPanel
from echo_tui.tui.panels.stalls import COLUMNS
from echo_tui.tui.panels.timeline import SPANS
from echo_tui.tui.table import fitting
from echo_tui.tui.text import first_that_fits
from echo_tui.words.connections import open_or_closed

from tests.crossed import seldom
from tests.tui.stage import SIZES, dashboard, rendered
from tests.tui.still import MS, NOW, PID, Still, run

WHY = "cannot take client 1,019 (127.0.0.1:51990): select() can't watch descriptor 1024, its limit is 1024"


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_header_keeps_stall_lag_and_block_at_every_size(size: tuple[int, int]) -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        header = rendered(app.query_one("#header"))[0]
    assert all(words in header for words in ("STALLED", "3 ms late", " 20/s")), header
    assert "3 of 6 s" in header


def test_position_names_open_and_closed_rows() -> None:
    assert open_or_closed(3, 0, 2, 5) == "3 open"
    assert open_or_closed(3, 0, 4, 5) == "5, 3 open"
    assert open_or_closed(3, 3, 5, 5) == "5, closed"


async def test_chosen_client_stays_in_sight_when_the_terminal_shrinks() -> None:
    async with dashboard("asyncio", (160, 45), clients=9) as stage:
        await stage.connected(9)
        stage.app.client = 5
        await stage.shows("▶[5]")
        await stage.pilot.resize_terminal(80, 24)
        await stage.until(lambda: stage.app.size.width == 80, "the new size")
        await stage.shows("▶[5]")


async def test_long_log_entry_is_shown_to_its_end() -> None:
    long: list[Observation] = [Note(NOW - MS, PID, PID, WHY), Recv(NOW - MS, PID, PID, 1, 9, "hogehoge\n")]
    app = Still("asyncio-blocking", [*run(), *long])
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        panel = app.query_one("#events")
        lines = [line.strip("│ ") for line in rendered(panel)]
        assert WHY in " ".join(" ".join(lines).split()), lines
        assert "Recv: b'hogehoge" in lines[-2], "the latest entry is at the bottom"


async def test_entry_longer_than_the_panel_gets_a_few_rows() -> None:
    app = Still("asyncio-blocking", [*run(), Note(NOW - MS, PID, PID, "so much to say " * 300)])
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        lines = [line.strip("│ ") for line in rendered(app.query_one("#events"))]
        assert sum("so much" in line for line in lines) == MOST_ROWS
        assert lines[-2].endswith("…")
        assert "time.sleep 6 s begins" in lines[-2 - MOST_ROWS]


async def test_cursor_stays_visible_among_long_entries() -> None:
    notes: list[Observation] = [Note(NOW - MS, PID, PID, f"{number} {WHY}") for number in range(40)]
    app = Still("asyncio-blocking", [*run(), *notes])
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        app.draw()
        panel = app.query_one("#events", LogPanel)
        for key in (*["up"] * 12, "pageup", "pageup", *["down"] * 4, "home", *["down"] * 9, "pagedown", "end"):
            await pilot.press(key)
            first, end = panel.shown_lines()
            assert first <= panel.cursor < end, key
        assert panel.following
        await pilot.press("home", "down")
        await pilot.click(panel, offset=(3, 2))
        assert panel.cursor == panel.at(1, panel.extent.width)[0], "a click counts rows, not entries"  # type: ignore[index]


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (60, "Connections: 5 open, accept queue ▏░░░░░░░ 1 of 128"),
        (45, "Connections: 5 open, queue ▏░░░░░░░ 1 of 128"),
        (40, "Connections: 5 open, queue ▏░░ 1 of 128"),
        (32, "5 open, queue ▏░░░░░░░ 1 of 128"),
        (22, "5 open, queue 1 of 128"),
    ],
)
def test_queue_gauge_shrinks_before_it_is_left_out(width: int, title: str) -> None:
    session = Still("asyncio-blocking", run()).session
    assert session.server
    session.server.queue, session.server.queue_limit = 1, 128
    assert first_that_fits(titles(session), width) == title


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=str)
async def test_marks_on_the_timelines_scale_are_separated_by_spaces(size: tuple[int, int]) -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=size) as pilot:
        for span in SPANS:
            app.span = span
            await pilot.pause()
            app.draw()
            await pilot.pause()
            scale = rendered(app.query_one("#timeline"))[-2].strip("│ ")
            marks = re.split("  +", re.sub(r"(?<=s) (?=-|now)", "  ", scale))
            assert all(re.fullmatch(r"-\d+ s|now", mark) for mark in marks), scale
            assert marks[-1] == "now"
            assert len(marks) > 2, scale


@pytest.mark.parametrize("width", [67, 72, 100])
def test_column_of_victims_leaves_room_for_a_file_name(width: int) -> None:
    widths = {column.name: column.width for column in fitting(COLUMNS, width)}
    assert widths["line"] >= len("asyncio_blocking.py:26")
    assert widths["who-waits"] >= len("[1] [2] [3]")
    assert sum(widths.values()) + len(widths) - 1 <= width


def test_every_column_of_the_stalls_is_there_at_80_columns() -> None:
    assert len(fitting(COLUMNS, 52)) == len(COLUMNS)


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_question_for_the_block_is_shown_to_its_end(size: tuple[int, int]) -> None:
    async with dashboard(size=size) as stage:
        await stage.press("B")
        await stage.until(lambda: isinstance(stage.app.screen, Ask), "the question")
        title = stage.app.screen.query_one(".title")
        await stage.until(lambda: title.region, "it is laid out")
        question = " ".join(" ".join(rendered(title)).split())
        assert question == "Blocking call: KIND:SECONDS, or KIND:SECONDS/N for one message in N"
        assert title.region.right <= stage.app.screen.query_one(".dialog").region.right - 3
