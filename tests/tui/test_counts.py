"""The same number wherever it is shown, and one wording at every size."""

import pytest
from echo_servers.block import BlockSetting
from echo_servers.records import Bye, New, Unblock
from echo_servers.server import Options
from echo_tui.model.observations import BlockSet, Observation
from echo_tui.observers.addresses import lan_address
from echo_tui.tui.palette import Palette
from echo_tui.tui.panels.clients import ClientsPane
from echo_tui.tui.panels.connections import titles

from tests.crossed import seldom, seldom_cases
from tests.tui.stage import SIZES, dashboard, rendered
from tests.tui.still import MS, NOW, PID, Still, run

FIRST, REFUSED = 1000, 7
WHY = "select() can't watch descriptor 1024, its limit is 1024"


def many_clients() -> list[Observation]:
    """Return the records of sixty clients, seven of which are rejected."""
    come = [New(NOW - 2 * MS, PID, PID, conn, f"127.0.0.1:{20_000 + conn}") for conn in range(FIRST, FIRST + 60)]
    return [*come, *(Bye(NOW - MS, PID, PID, conn, WHY, refused=True) for conn in range(FIRST, FIRST + REFUSED))]


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_open_and_rejected_connections_are_counted(size: tuple[int, int]) -> None:
    app = Still("asyncio-blocking", [*run(), *many_clients()])
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        session = app.live.session
        still = len(session.connections)
        assert session.totals.refused == REFUSED
        panels = [app.query_one("#connections"), app.query_one("#timeline")]
        borders = [f"{panel.border_title} {panel.border_subtitle}" for panel in panels if panel.display]
        assert any(f"{still} open" in words and f"{REFUSED} turned away" in words for words in borders), borders
        assert all(f" of {still} open" in words for words in borders if " to " in words), borders


def test_rejected_clients_are_not_also_counted_as_closed() -> None:
    app = Still("asyncio-blocking", [*run(), *many_clients()])
    session = app.live.session
    assert f"{REFUSED} turned away" in next(titles(session))
    assert session.totals.bye - REFUSED == 0 or f"{session.totals.bye - REFUSED} closed" in next(titles(session))


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=str)
@pytest.mark.parametrize("on", [False, True])
async def test_header_words_the_block_alike_at_every_size(size: tuple[int, int], on: bool) -> None:
    app = Still("asyncio-blocking", [*run(), Unblock(NOW, PID, PID, 3), BlockSet(NOW, on, "c-gil", 0.3, 3)])
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        header = rendered(app.query_one("#header"))[0]
    spec = BlockSetting("c-gil", 0.3, 3).spec
    words = f"{spec} ON" if size == SIZES[0] else f"block: {spec} ON"  # in 80 columns a stall leaves no more room
    assert (words if on else "block: off") in header


async def test_stall_stands_out_more_than_the_block_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=(100, 30)):
        palette = Palette.of(app)
        assert palette.stalled.bgcolor == palette.text.color, "the lightest background"
        assert palette.blocked.bgcolor is None
        assert palette.blocked.bold


async def test_source_of_the_pattern_at_the_cursor_is_shown_at_once() -> None:
    async with dashboard(size=(160, 45)) as stage:
        await stage.until(lambda: "patterns/single_thread.py" in stage.shown("welcome"), "its file")
        await stage.until(lambda: any("accept" in line for line in stage.lines("welcome")), "its lines")


ADDRESSES = [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.1", "127.0.0.1")]


@pytest.mark.parametrize(("host", "loopback"), seldom_cases(ADDRESSES, ADDRESSES[1]))
async def test_suggested_address_can_be_connected_to(host: str, loopback: str) -> None:
    reachable = loopback if host == loopback else lan_address() or loopback
    async with dashboard("asyncio", size=(100, 30), options=Options(host=host, port=0)) as stage:
        await stage.until(lambda: f"nc {reachable} " in stage.shown("timeline"), "its address")
        assert f"nc {reachable} " in str(stage.app.query_one(ClientsPane).border_title)
