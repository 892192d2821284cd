"""Every key for the screen does what its help says."""

from pathlib import Path

import pytest
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.observers import strace
from echo_tui.run.replay import Replay
from echo_tui.tui.dialogs import Confirm
from echo_tui.tui.help import Help
from echo_tui.tui.keys import PANELS, SCREEN
from textual.widgets import Input

from tests.tui.checks import Check, Checks, without_clients
from tests.tui.stage import Stage, dashboard

checks = Checks(SCREEN)


@checks.key("hop")
async def hop(stage: Stage) -> None:
    seen = []
    for _ in PANELS:
        await stage.press("tab")
        await stage.pilot.pause()
        seen.append(stage.app.focused.id if stage.app.focused else None)
    assert seen == [*PANELS[1:-1], "client-list", "patterns"]


@checks.key("freeze")
async def freeze(stage: Stage) -> None:
    await stage.press("p")
    await stage.shows("FROZEN")
    await stage.press("p")
    assert stage.app.frozen is None
    assert "FROZEN" not in stage.text


@checks.key("swap")
async def swap(stage: Stage) -> None:
    await stage.press("V")
    assert "No recording of this scene" in stage.notices()[-1]  # with one: tests/recording/test_swap.py


@checks.key("record")
async def record(stage: Stage) -> None:
    await stage.press("r")
    await stage.until(stage.notices, "it is said")
    (saved,) = Path("recordings").glob("*.jsonl.gz")
    assert str(saved) in stage.notices()[-1]
    replay = Replay(str(saved))
    while not replay.complete:
        replay.read_ahead(1)
    assert replay.total
    assert not replay.damaged
    await stage.press("r", "r")  # probably in the same second
    await stage.until(lambda: len([*Path("recordings").iterdir()]) == 3, "each is a file of its own")


@checks.key("stall-before")
async def stall_before(stage: Stage) -> None:
    stage.app.start_from_palette(find("single-thread"))
    await stage.press("n", "n")
    await stage.until(lambda: stage.app.live.stall_snapshots.kept, "a stall")
    await stage.press("left_square_bracket")
    await stage.shows("STALL 1 of 1", "busy with one client")
    assert stage.app.frozen


@checks.key("stall-after")
async def stall_after(stage: Stage) -> None:
    await stage.press("right_square_bracket")
    await stage.until(lambda: not stage.app.frozen, "what goes on")
    await without_clients(stage, "multithread")


@checks.key("details")
async def details(stage: Stage) -> None:
    stage.app.start_from_palette(find("single-thread"))
    await stage.press("n", "n")
    await stage.until(lambda: stage.session.stalls.going, "a stall")
    await stage.press("d")
    await stage.shows("busy with one client", "It is attributed to the architecture", "connected and was not accepted")
    await stage.shows("Clues", "(stays)")
    await stage.press("escape")
    await stage.until(lambda: len(stage.app.screen_stack) == 1, "the dashboard")
    await without_clients(stage, "multithread")


@checks.key("strace")
async def strace_view_key(stage: Stage) -> None:
    await stage.press("s")
    assert not stage.app.live.strace_view.is_open, "not available for short-lived threads"
    stage.app.start_from_palette(find("asyncio"))
    await stage.serving("asyncio")
    await (strace_view_shows_calls if strace.is_installed() else strace_is_missing)(stage)
    await without_clients(stage, "multithread")


async def strace_is_missing(stage: Stage) -> None:
    await stage.press("s")
    await stage.shows("strace is not installed here")


async def strace_view_shows_calls(stage: Stage) -> None:
    await stage.press("s")
    await stage.until(lambda: "calls" in stage.visible() and "events" not in stage.visible(), "the system calls")
    assert "strace slows the server" in str(stage.panel("calls").border_title)
    await stage.press("n")
    await stage.until(lambda: any("accept4(" in line for line in stage.session.calls.kept), "what the server does")
    await stage.until(lambda: stage.session.calls.kept[-1][:20] in stage.shown("calls"), "its latest call")
    assert stage.app.live.strace_view.is_open
    await stage.press("s")
    await stage.until(lambda: "events" in stage.visible() and "calls" not in stage.visible(), "the events")
    assert not stage.app.live.strace_view.is_open
    await stage.press("s")
    await stage.until(lambda: stage.app.live.strace_view.is_open, "the strace view again")
    stage.app.live.strace_view._strace._process.kill()
    await stage.until(
        lambda: "events" in stage.visible() and not stage.app.live.strace_view.is_open, "it is seen to be gone"
    )


@checks.key("matrix")
async def matrix(stage: Stage) -> None:
    await stage.press("w")
    await stage.shows("Isolation matrix", "processes x threads")
    await stage.press("escape")
    await stage.serving("multithread")


@checks.key("zoom-in")
async def zoom_in(stage: Stage) -> None:
    await stage.shows("the last 10 s")  # a stall has shortened the span
    await stage.press("plus")
    await stage.shows("the last 5 s")


@checks.key("zoom-out")
async def zoom_out(stage: Stage) -> None:
    await stage.press("minus", "minus")
    await stage.shows("the last 30 s")


@checks.key("stage")
async def on_stage(stage: Stage) -> None:
    await stage.press("z")
    await stage.until(lambda: "patterns" not in stage.visible(), "only what an audience needs")
    assert stage.visible() == {"header", "timeline", "source", "client-list", "exchange", "step", "keys"}
    await stage.press("5")
    await stage.until(lambda: {"events", "patterns"} <= stage.visible(), "a panel that is not on stage")
    await stage.press("z", "z")
    await stage.until(lambda: "cpu" in stage.visible(), "all panels")


@checks.key("expand")
async def expand(stage: Stage) -> None:
    await stage.press("5", "f")
    await stage.until(lambda: stage.panel("events").region.width == 160, "a wide panel")
    assert stage.visible() == {"header", "events", "keys"}
    await stage.press("f")
    await stage.until(lambda: "timeline" in stage.visible(), "the other panels")


@checks.key("copy")
async def copy(stage: Stage) -> None:
    await stage.press("5", "home", "y")
    assert stage.app.clipboard.partition(" ")[2].startswith("started multithread, process ")
    await stage.shows("Copied")


@checks.key("theme")
async def theme(stage: Stage) -> None:
    before = stage.app.theme
    await stage.press("t")
    assert stage.app.theme != before
    await stage.press("t")
    assert stage.app.theme == before


@checks.key("screenshot")
async def screenshot(stage: Stage) -> None:
    await stage.press("ctrl+s")
    (picture,) = Path("screenshots").glob("*.svg")
    assert "<svg" in picture.read_text()
    await stage.shows("Picture saved", picture.name)


@checks.key("palette")
async def palette(stage: Stage) -> None:
    await stage.press("ctrl+p")
    await stage.shows("Every key")
    await stage.press("escape")
    await stage.until(lambda: len(stage.app.screen_stack) == 1, "the dashboard")


@checks.key("leave")
async def leave(stage: Stage) -> None:
    await stage.press("i", "escape")
    await stage.until(lambda: not isinstance(stage.app.focused, Input), "out of the input")
    await stage.press("2", "f", "escape")
    await stage.until(lambda: "events" in stage.visible(), "out of an expanded panel")
    await stage.press("p", "escape")
    assert stage.app.frozen is None


@checks.key("help")
async def help_(stage: Stage) -> None:
    await stage.press("question_mark")
    assert isinstance(stage.app.screen, Help)
    await stage.shows("Start or stop the server")
    await stage.press("escape")
    assert len(stage.app.screen_stack) == 1


@checks.key("quit")
async def quit_(stage: Stage) -> None:
    await asks_before_quitting(stage, "q")


@checks.key("quit-now")
async def quit_now(stage: Stage) -> None:
    await stage.press("i")
    await asks_before_quitting(stage, "ctrl+c")
    await asks_before_quitting(stage, "ctrl+q")
    await stage.press("escape")


async def asks_before_quitting(stage: Stage, press: str) -> None:
    if not stage.session.connections:
        await stage.press("escape")
        await stage.open(1)
    await stage.press(press)
    await stage.until(lambda: isinstance(stage.app.screen, Confirm), "the question")
    await stage.press("n")
    assert len(stage.app.screen_stack) == 1


def go(panel: str, number: int) -> Check:
    async def check(stage: Stage) -> None:
        if number == 1:
            await stage.press("2")
        await stage.press(str(number))
        target = "client-list" if panel == "clients" else panel
        await stage.until(lambda: stage.app.focused and stage.app.focused.id == target, panel)

    return check


for place, panel in enumerate(PANELS, 1):
    checks.key(f"panel-{panel}")(go(panel, place))


async def test_every_key_of_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with dashboard("multithread", options=Options(port=0)) as stage:
        await checks.go(stage)
