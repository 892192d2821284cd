"""Evidence that the machine does not provide is shown as unavailable, with the reason, and not as a false value."""

import pytest
from echo_tui.model.observations import CoresSample, ProcessSample, SocketSample, Unavailable
from echo_tui.tui.panel import Panel
from echo_tui.tui.panels.connections import ConnectionsPanel
from echo_tui.tui.panels.cpu import CpuPanel
from echo_tui.tui.panels.stalls import StallsPanel

from tests.crossed import seldom
from tests.tui.stage import SIZES, rendered
from tests.tui.still import MS, NOW, PID, Still, run

WHY = "this system has no sock_diag: [Errno 97] Address family not supported by protocol"


def said(panel: Panel) -> str:
    """Return all the words of a panel in one line."""
    return " ".join(" ".join(line.strip("│╭╮╰╯─ ") for line in rendered(panel)).split())


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_panels_say_why_sockets_are_unavailable(size: tuple[int, int]) -> None:
    app = Still("asyncio-blocking", [one for one in run() if not isinstance(one, SocketSample)])
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await pilot.pause()
        app.draw()
        stalls, connections = app.query_one(StallsPanel), app.query_one(ConnectionsPanel)
        assert "None so far: nothing has waited in the kernel for 100 ms" in said(stalls)
        app.session.apply(Unavailable(NOW, "sockets", WHY))
        app.draw()
        assert str(stalls.border_title) == "Stalls: not available here"
        assert f"Not available here: {WHY}." in said(stalls)
        assert "None" not in said(stalls)
        await pilot.press("3")
        await pilot.pause()
        app.draw()
        assert "queue: not available" in str(connections.border_title)
        assert "queue: not available" in said(connections)


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=str)
async def test_cpu_panel_says_why_cores_are_unavailable(size: tuple[int, int]) -> None:
    why = "this system does not show its cores: [Errno 2] No such file or directory: '/proc/stat'"
    app = Still("asyncio-blocking", [one for one in run() if not isinstance(one, CoresSample)])
    async with app.run_test(size=size) as pilot:
        await pilot.press("6")
        await pilot.pause()
        app.draw()
        cpu = app.query_one(CpuPanel)
        app.session.apply(Unavailable(NOW, "cores", why))
        app.draw()
        read = said(cpu)
        for _ in range(5):
            await pilot.press("down")
            read += " " + rendered(cpu)[-2].strip("│ ")
        assert "cores not available here: " in read
        assert all(word in read for word in why.split()), "all of it can be read"
        await pilot.press("home")
        app.session.apply(ProcessSample(NOW + 500 * MS, PID, 1, 77.0, 26_400_000, 1, 0, 0))
        app.draw()
        assert "77 %" in said(cpu), "a new sample is drawn, though nothing else is new"
