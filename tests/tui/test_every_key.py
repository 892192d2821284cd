"""Every key does what its help says."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from app.live import OVER
from app.observers import strace
from app.session.connection import State
from app.tui.dialogs import Ask, Confirm, Help
from app.tui.keys import ALL_KEYS, CLIENTS, PANELS, SCREEN, SERVER
from servers.catalog import find
from servers.records import Bye
from servers.server import Options
from tests.tui.stage import Stage, dashboard

Check = Callable[[Stage], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def key(name: str) -> Callable[[Check], Check]:
    """A check of the key with this id."""

    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


def test_no_key_is_without_a_check() -> None:
    assert {key.id for key in ALL_KEYS} == set(CHECKS)


@pytest.mark.parametrize("group", [SERVER, CLIENTS, SCREEN])
async def test_every_key(group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = Options(port=0, print=group == SERVER)
    async with dashboard("multithread", options=options) as stage:
        for one in ALL_KEYS:
            if one.group == group:
                await CHECKS[one.id](stage)


async def answer(stage: Stage, words: str) -> None:
    """Answer the question that is asked."""
    await stage.until(lambda: isinstance(stage.app.screen, Ask), "a question")
    await stage.write(words)
    await stage.press("enter")
    await stage.until(lambda: not isinstance(stage.app.screen, Ask), "an answer that is taken")


async def with_nobody(stage: Stage, pattern: str) -> None:
    """Close all clients, and start another pattern without any."""
    stage.app.live.close_clients([])
    await stage.until(lambda: all(one.ended in OVER for one in stage.session.clients.values()), "all are closed")
    stage.app.start_from_palette(find(pattern))
    await stage.serving(pattern)
    await stage.until(lambda: not stage.session.clients, "nobody")


# The server.


@key("start")
async def start(stage: Stage) -> None:
    await stage.press("1", "down", "enter")
    await stage.serving("thread-pool")


@key("toggle")
async def toggle(stage: Stage) -> None:
    await stage.press("space")
    assert not stage.app.live.running
    await stage.shows("stopped")
    await stage.press("space")
    await stage.serving("thread-pool")


@key("previous")
async def previous(stage: Stage) -> None:
    await stage.press("comma")
    await stage.serving("multithread")
    await stage.press("less_than_sign")
    await stage.serving("single-thread")


@key("next")
async def following(stage: Stage) -> None:
    await stage.press("greater_than_sign")
    await stage.serving("multithread")
    await stage.press("full_stop")
    await stage.serving("thread-pool")


@key("block")
async def block(stage: Stage) -> None:
    await stage.press("b")
    await stage.shows("block: time.sleep 2 s ON")
    await stage.press("b")
    await stage.shows("block: off")


@key("block-set")
async def block_set(stage: Stage) -> None:
    await stage.press("B")
    await answer(stage, "sleep:0.25")
    await stage.shows("block: time.sleep 0.25 s ON")
    assert stage.app.live.block.now is not None


@key("remedy")
async def to_the_remedy(stage: Stage) -> None:
    stage.app.start_from_palette(find("asyncio-blocking"))
    await stage.serving("asyncio-blocking")
    block = stage.app.live.block.now
    await stage.open(2)
    assert "x asyncio to a thread" in stage.shown("patterns")
    await stage.press("x")
    await stage.serving("asyncio-to-thread")
    await stage.connected(2)
    assert stage.app.live.block.now == block is not None, "the same block is still on"
    await stage.press("x")
    assert stage.app.live.pattern == find("asyncio-to-thread"), "nothing is to be cured there"
    stage.app.live.arm(None)
    await with_nobody(stage, "multithread")


@key("hold")
async def hold(stage: Stage) -> None:
    assert "hold stdout" in stage.footer()
    await stage.press("o")
    await stage.shows("stdout held", "stdout is held: nobody reads it")
    assert "read stdout" in stage.footer()
    await stage.press("o")
    await stage.until(lambda: "stdout held" not in stage.shown("header"), "it is read again")


# Our clients.


@key("new")
async def new(stage: Stage) -> None:
    await stage.press("n")
    await stage.connected(1)
    assert stage.app.client == 1


@key("new-many")
async def new_many(stage: Stage) -> None:
    await stage.press("N")
    await answer(stage, "3")
    await stage.connected(4)
    assert stage.app.client is None


@key("type")
async def type_a_line(stage: Stage) -> None:
    await stage.say("hogehoge")
    await stage.until(lambda: all(client.echoed == 1 for client in stage.session.clients.values()), "four echoes")
    await stage.shows(r"Recv: b'hogehoge\n' from", r"Send: b'hogehoge\n' to")


@key("choose-right")
async def choose_right(stage: Stage) -> None:
    await stage.press("right", "right")
    await stage.shows("▶[2]", "to [2] >")


@key("choose-left")
async def choose_left(stage: Stage) -> None:
    await stage.press("left", "left", "left")
    await stage.shows("▶[4]")


@key("all")
async def choose_all(stage: Stage) -> None:
    await stage.press("a")
    await stage.shows("▶[all]", "to all >")


@key("load")
async def load(stage: Stage) -> None:
    await stage.press("l")
    await answer(stage, "50")
    before = stage.session.totals.echoes
    await stage.until(lambda: stage.session.totals.echoes >= before + 20, "chatter")
    await stage.press("l")
    await answer(stage, "0")
    await stage.until(lambda: not any(c.waiting_since for c in stage.session.connections.values()), "quiet")


@key("burst")
async def burst(stage: Stage) -> None:
    await stage.glance()
    await stage.press("right", "u")
    before = stage.session.clients[1].echoed
    await answer(stage, "30")
    await stage.until(lambda: stage.session.clients[1].echoed == before + 30, "thirty echoes")


@key("close")
async def close(stage: Stage) -> None:
    await stage.press("c")
    await stage.until(lambda: stage.connection(1).state is State.CLOSED, "client 1 closed")
    assert [c.client for c in stage.session.connections.values()] == [2, 3, 4]


@key("reset")
async def reset(stage: Stage) -> None:
    await stage.press("right", "r")
    await stage.until(lambda: stage.connection(2).state is State.CLOSED, "client 2 closed")
    log = stage.session.log
    said = [record for record, _ in log.slice(0, log.total) if isinstance(record, Bye)]
    assert "reset" in said[-1].error.lower()


@key("misbehave")
async def misbehave(stage: Stage) -> None:
    await with_nobody(stage, "multithread")
    await stage.open(2)
    await stage.press("m")
    await stage.shows("How should client", "Stop reading", "Half-close", "Reset", "Flood")
    await stage.press("escape")
    assert len(stage.app.screen_stack) == 1
    await stage.press("a")
    await stage.misbehave("s")
    await stage.until(lambda: not any(client.reading for client in stage.session.clients.values()), "nobody reads")
    await stage.until(lambda: set(list(stage.chips().values())[1:]) == {"not reading"}, "the chips say so")
    await stage.misbehave("enter")
    await stage.until(lambda: all(client.reading for client in stage.session.clients.values()), "all read again")
    await stage.press("left")
    await stage.misbehave("h")
    await stage.until(lambda: "server closed" in stage.chips().values(), "a goodbye to the silent one")
    await stage.press("right", "right")
    await stage.misbehave("down", "down", "enter")
    await stage.until(lambda: "reset" in stage.chips().values(), "a reset")
    await stage.misbehave("f")
    await stage.until(lambda: stage.session.totals.new == 202, "a flood")
    await stage.until(lambda: stage.chips()["flood"] == "200 of 200 got in", "its chip")
    await stage.misbehave("f")
    await stage.until(lambda: not stage.session.connections and "flood" not in stage.chips(), "its end")
    await with_nobody(stage, "multithread")
    await stage.open(4)


# The screen.


@key("hop")
async def hop(stage: Stage) -> None:
    seen = []
    for _ in PANELS:
        await stage.press("tab")
        await stage.pilot.pause()
        seen.append(stage.app.focused.id if stage.app.focused else None)
    assert seen == [*PANELS[1:-1], "client-list", "patterns"]


@key("freeze")
async def freeze(stage: Stage) -> None:
    await stage.press("p")
    await stage.shows("FROZEN")
    await stage.press("p")
    assert stage.app.frozen is None
    assert "FROZEN" not in stage.text


@key("stall-before")
async def stall_before(stage: Stage) -> None:
    stage.app.start_from_palette(find("single-thread"))
    await stage.press("n", "n")
    await stage.until(lambda: stage.app.live.moments.kept, "a stall")
    await stage.press("left_square_bracket")
    await stage.shows("STALL 1 of 1", "busy with one client")
    assert stage.app.frozen


@key("stall-after")
async def stall_after(stage: Stage) -> None:
    await stage.press("right_square_bracket")
    await stage.until(lambda: not stage.app.frozen, "what goes on")
    await with_nobody(stage, "multithread")


@key("lens")
async def lens(stage: Stage) -> None:
    if not strace.is_installed():
        pytest.skip("there is no strace")
    await stage.press("s")
    assert not stage.app.live.lens.is_open, "not for threads that come and go"
    stage.app.start_from_palette(find("asyncio"))
    await stage.serving("asyncio")
    await stage.press("s")
    await stage.until(lambda: "calls" in stage.visible() and "events" not in stage.visible(), "the system calls")
    assert "strace slows the server" in str(stage.panel("calls").border_title)
    await stage.press("n")
    await stage.until(lambda: any("accept4(" in line for line in stage.session.calls.kept), "what the server does")
    await stage.until(lambda: stage.session.calls.kept[-1][:20] in stage.shown("calls"), "its latest call")
    assert stage.app.live.lens.is_open
    await stage.press("s")
    await stage.until(lambda: "events" in stage.visible() and "calls" not in stage.visible(), "the events")
    assert not stage.app.live.lens.is_open
    await stage.press("s")
    await stage.until(lambda: stage.app.live.lens.is_open, "the lens again")
    stage.app.live.lens._strace._process.kill()
    await stage.until(lambda: "events" in stage.visible() and not stage.app.live.lens.is_open, "it is seen to be gone")
    await with_nobody(stage, "multithread")


@key("matrix")
async def matrix(stage: Stage) -> None:
    await stage.press("w")
    await stage.shows("Who suffers?", "process-thread-pool")
    await stage.press("escape")
    await stage.serving("multithread")


@key("zoom-in")
async def zoom_in(stage: Stage) -> None:
    await stage.press("plus")
    await stage.shows("the last 10 s")


@key("zoom-out")
async def zoom_out(stage: Stage) -> None:
    await stage.press("minus", "minus")
    await stage.shows("the last 60 s")


@key("expand")
async def expand(stage: Stage) -> None:
    await stage.press("5", "f")
    await stage.until(lambda: stage.panel("events").region.width == 160, "a wide panel")
    assert stage.visible() == {"header", "events", "keys"}
    await stage.press("f")
    await stage.until(lambda: "timeline" in stage.visible(), "the other panels")


@key("copy")
async def copy(stage: Stage) -> None:
    await stage.press("5", "home", "y")
    assert stage.app.clipboard.partition(" ")[2].startswith("started multithread, process ")
    await stage.shows("Copied")


@key("theme")
async def theme(stage: Stage) -> None:
    before = stage.app.theme
    await stage.press("t")
    assert stage.app.theme != before
    await stage.press("t")
    assert stage.app.theme == before


@key("screenshot")
async def screenshot(stage: Stage) -> None:
    await stage.press("ctrl+s")
    (picture,) = Path("screenshots").glob("*.svg")
    assert "<svg" in picture.read_text()
    await stage.shows("Picture saved", picture.name)


@key("palette")
async def palette(stage: Stage) -> None:
    await stage.press("ctrl+p")
    await stage.shows("Every key")
    await stage.press("escape")
    await stage.until(lambda: len(stage.app.screen_stack) == 1, "the dashboard")


@key("leave")
async def leave(stage: Stage) -> None:
    await stage.press("i", "escape")
    await stage.until(lambda: not isinstance(stage.app.focused, Input), "out of the input")
    await stage.press("2", "f", "escape")
    await stage.until(lambda: "events" in stage.visible(), "out of an expanded panel")
    await stage.press("p", "escape")
    assert stage.app.frozen is None


@key("help")
async def help_(stage: Stage) -> None:
    await stage.press("question_mark")
    assert isinstance(stage.app.screen, Help)
    await stage.shows("Start or stop the server")
    await stage.press("escape")
    assert len(stage.app.screen_stack) == 1


@key("quit")
async def quit_(stage: Stage) -> None:
    await asks_before_quitting(stage, "q")


@key("quit-now")
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
    key(f"panel-{panel}")(go(panel, place))
