"""A stall on the screen: who waits, for how long, why, and which line is to blame; and going back to it."""

import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Cause, Stall, Verdict
from echo_tui.diagnosis.targets import OnThread
from echo_tui.tui import text
from echo_tui.tui.panels.source import SourcePanel
from echo_tui.tui.panels.stalls import COLUMNS, StallsPanel, cause
from echo_tui.words import unavailable
from echo_tui.words.stalls import label, short, shortest

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard, rendered
from tests.tui.still import NOW, Still, run

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")


def waits(stage: Stage, number: int) -> bool:
    connection = stage.session.clients[number].connection
    return bool(connection and connection.unread_since)


async def stalled(stage: Stage, *waiting: int) -> None:
    """Let client 1 block the loop and the `waiting` ones (default: 2 and 3) send in turn; wait for a located stall."""
    await stage.until(lambda: stage.session.totals.new == 3, "three clients")
    stage.app.live.client_process.send([1], b"first\n")
    await stage.until(lambda: stage.session.blocks.running, "the block")
    for number in waiting or (2, 3):  # a row names its victims in the order in which they began to wait
        stage.app.live.client_process.send([number], b"hogehoge\n")
        await stage.until(partial(waits, stage, number), f"the kernel has what client {number} has sent")
    await stage.until(lambda: any(s.located_at for s in stage.session.stalls.going.values()), "a stall with its line")


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_victims_cause_and_line_are_shown_at_every_size(size: tuple[int, int]) -> None:
    block = BlockSetting("sleep", 30)
    async with dashboard("asyncio-blocking", size=size, clients=3, block=block) as stage:
        await stalled(stage)
        await stage.shows("STALLED", "blocked")
        timeline = stage.panel("timeline")
        await stage.until(lambda: "time.sleep(seconds)" in str(timeline.border_subtitle), "the line to blame")
        assert "block.py:" in str(timeline.border_subtitle)

        def lanes(state: str) -> int:
            return len(re.findall(state, stage.shown("timeline")))

        # The screen may be older than the session.
        await stage.until(lambda: lanes("█.* waits for ") == 2, "two victims")
        assert lanes(" blocks | waits for ") == 3, stage.shown("timeline")


async def test_stall_and_its_line_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not wait for the next regular redraw, which never happens in this test."""
    async with dashboard("asyncio-blocking", size=(160, 45), clients=3, block=BlockSetting("sleep", 30)) as stage:
        await stage.connected(3)
        await stage.shows("3 open")
        for pace in ("DRAWS", "CALM"):
            monkeypatch.setattr(f"echo_tui.tui.picture.{pace}", 1_000_000)
        await stalled(stage)
        await stage.shows("STALLED")
        await stage.until(lambda: "called at" in str(stage.panel("timeline").border_subtitle), "the line to blame")


async def test_all_details_of_a_stall_on_a_wide_screen() -> None:
    async with dashboard("asyncio-blocking", size=(160, 45), clients=3, block=BlockSetting("sleep", 30)) as stage:
        await stalled(stage)
        await stage.shows("asleep", "in time.sleep", "9 B")
        await stage.until(lambda: "(block)" in stage.shown("stalls") and "[2] [3]" in stage.shown("stalls"), "its row")
        await stage.shows("event loop of process")

        def lit() -> bool:
            return any("▶" in line and "server.block.inject" in line for line in stage.lines("source"))

        await stage.until(lit, "the handler's line")


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_row_of_a_stall_has_victims_and_line_at_every_size(size: tuple[int, int]) -> None:
    async with dashboard("asyncio-blocking", size=size, clients=3, block=BlockSetting("sleep", 30)) as stage:
        await stalled(stage)
        await stage.press("4")
        words = ("blocked (block)", "[2] [3]", "block.py:")
        await stage.until(lambda: all(word in stage.shown("stalls") for word in words), "all of it")
        await stage.shows("Stalls: 1 going on")


async def test_totals_count_closed_and_open_stalls() -> None:
    async with dashboard("asyncio-blocking", size=(160, 45), clients=3, block=BlockSetting("sleep", 1)) as stage:
        await stalled(stage)
        await stage.shows("Stalls: 2 blocked")
        stage.app.live.arm(BlockSetting("sleep", 30))
        await stalled(stage)
        await stage.shows("blocked, 1 going on")


@pytest.mark.parametrize("width", range(next(c.width for c in COLUMNS if c.name == "cause"), 30))
def test_cause_and_its_block_mark_fit_their_column(width: int) -> None:
    for why in Cause:
        names = (label(why), short(why), shortest(why))
        for injected in (False, True):
            said = cause(Stall(1, OnThread(1, 1), 0, 0, verdict=Verdict(cause=why, injected=injected)), width)
            assert len(said) <= width, f"{why}: add a name of at most 8 characters to SHORTEST in words/stalls.py"
            assert said.removesuffix(" (block)").removesuffix(", block") in names
            assert said.endswith((" (block)", ", block")) == injected


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_cause_and_scroll_position_do_not_mix(size: tuple[int, int]) -> None:
    async with dashboard("thread-pool", size=size, clients=11) as stage:
        timeline = stage.panel("timeline")
        await stage.until(lambda: "Every worker has a client" in str(timeline.border_subtitle), "why")
        said = str(timeline.border_subtitle)
        assert re.search("(accept|of its own)( ── 1 to [0-9]+ of 11 open)?$", said), said
        assert "…" not in said
        assert len(said) <= timeline.size.width


async def test_reason_why_the_eleventh_client_waits() -> None:
    async with dashboard("thread-pool", size=(160, 45), clients=11) as stage:
        await stage.shows("all workers busy", "not accepted", "1 of 128")
        await stage.until(lambda: "not accepted" in stage.lines("connections")[1], "the eleventh comes first")
        pane = stage.app.query_one("#clients")
        await stage.until(lambda: pane.border_subtitle == "+2 more, 1 waits", "it is counted where it has no room")
        timeline = stage.panel("timeline")
        await stage.until(lambda: "Every worker has a client" in str(timeline.border_subtitle), "why")
        await stage.until(lambda: "waiting in recv for :" in stage.shown("threads"), "what the workers do")
        await stage.until(lambda: "10▶" in stage.shown("source"), "where they are")


async def test_idle_workers_are_one_row() -> None:
    async with dashboard("thread-pool", size=(160, 45), clients=1) as stage:
        await stage.until(lambda: "9 idle" in stage.shown("threads"), "nine that rest")
        assert "waiting in accept" in stage.shown("threads")


@pytest.mark.slow
async def test_going_back_to_a_stall_and_forward_again() -> None:
    async with dashboard("asyncio", size=(160, 45), clients=3, block=BlockSetting("sleep", 0.6)) as stage:
        for number in (1, 2):
            await stalled(stage)
            await stage.until(
                lambda number=number: not stage.session.stalls.going and len(stage.session.stalls.all) >= number,  # type: ignore[misc]
                "its end",
            )
            await stage.until(lambda: not stage.session.blocks.running, "quiet")
        kept = sorted(stage.app.live.stall_snapshots.kept)
        await stage.press("left_square_bracket")
        await stage.shows(f"STALL {kept[-1]} of")
        assert stage.app.frozen
        assert "blocked" in stage.shown("timeline")
        still = stage.app.shown
        assert still.stalls.going, "the stall is open in the snapshot"
        await stage.press("left_square_bracket")
        await stage.shows(f"STALL {kept[-2]} of")
        await stage.press("right_square_bracket", "right_square_bracket")
        await stage.until(lambda: not stage.app.frozen, "what goes on now")
        await stage.press("4", "home", "enter")
        await stage.shows(f"STALL {kept[0]} of")
        await stage.press("y")
        assert "The thread that should serve them is in a call that blocks." in stage.app.clipboard
        looked = stage.session.threads.seen_at
        await stage.until(lambda: stage.session.threads.seen_at > looked, "the looks go on while it is frozen")
        await stage.press("p")
        assert not stage.app.frozen


async def test_past_stall_has_its_full_length_everywhere() -> None:
    async with dashboard("asyncio", size=(160, 45), clients=3, block=BlockSetting("sleep", 1.1)) as stage:
        await stalled(stage, 2)  # with two victims, serving one would restart the wait of the other
        await stage.until(lambda: not stage.session.stalls.going and stage.session.stalls.all, "its end")
        (stall,) = stage.session.stalls.all
        snapshot, _ = stage.app.live.stall_snapshots.kept[stall.number]
        assert snapshot.stalls.going, "it shows the stall while it goes on"
        whole = text.duration(stall.lasted(0))
        await stage.press("left_square_bracket", "4", "home")
        await stage.until(lambda: f" {whole} blocked" in stage.shown("stalls"), "its row")
        await stage.press("y")
        assert f" {whole} blocked (block): " in stage.app.clipboard
        await stage.shows(f"blocked {whole} from", "Stalls: 1 blocked")
        assert f"blocked {whole}" in stage.shown("source")
        assert stage.shown("timeline").count(f"blocked {whole}") == 2, "on the server's lane, and beside it"


async def test_frozen_screen_shows_a_stall_as_long_as_it_was_then() -> None:
    async with dashboard("asyncio", size=(160, 45), clients=3, block=BlockSetting("sleep", 30)) as stage:
        await stalled(stage)
        await stage.press("p")
        assert stage.app.frozen
        still, moment = stage.app.frozen
        (stall,) = still.stalls.going.values()
        length = text.duration(stall.lasted(moment))
        await stage.until(lambda: time.monotonic_ns() > moment + text.SECOND, "time goes on")
        await stage.few_redraws()
        assert f" {length} blocked" in stage.shown("stalls")
        assert f"blocked {length}" in stage.shown("source")
        assert stage.shown("timeline").count(f"blocked {length}") == 2
        assert "Stalls: 1 going on" in stage.text


async def test_end_of_the_kept_snapshots_is_reported_once() -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(notifications=True) as pilot:
        oldest, latest = (stall.number for stall in app.session.stalls.all)
        app.live.stall_snapshots.kept[latest] = app.live.stall_snapshots.kept[oldest] = (app.session, NOW)
        await pilot.press(*["left_square_bracket"] * 5)
        assert [notice.message for notice in app._notifications] == ["No stall before this one"]
        app.clear_notifications()
        del app.live.stall_snapshots.kept[oldest]
        app.show_snapshot(None)
        await pilot.press(*["left_square_bracket"] * 5)
        assert app.stall == latest
        app.show_stall(oldest)
        assert [notice.message for notice in app._notifications] == [unavailable.reason("no-snapshot")]


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_stall_without_a_line_says_why(size: tuple[int, int]) -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=size) as pilot:
        stall = app.session.stalls.all[0]
        assert stall.culprit
        stall.verdict = replace(stall.verdict, culprit=replace(stall.culprit, frames=()))
        stall.end = stall.begin + 150 * text.MS
        app.live.stall_snapshots.kept[stall.number] = (app.session, NOW)
        app.show_stall(stall.number)
        await pilot.press("8", "4")
        await pilot.pause()
        app.draw()
        row = rendered(app.query_one(StallsPanel))[2]
        assert re.search("over before|too short", row), row
        source = app.query_one(SourcePanel)
        if source.display:
            assert "No line of code: over before it was asked." in "".join(rendered(source))
        border = app.query_one("#timeline").border_subtitle
        assert size[0] < 160 or "no line: over before it was asked" in str(border)


async def test_victims_come_first_as_soon_as_their_stall_is_reported() -> None:
    """Even on a screen that is frozen at that time."""
    async with dashboard("epoll-loop", size=(100, 30), clients=30, block=BlockSetting("sleep", 30)) as stage:
        await stage.until(lambda: stage.session.totals.new == 30, "all are accepted")
        stage.app.live.client_process.send([1], b"first\n")
        await stage.until(lambda: stage.session.blocks.running, "the block")
        stage.app.live.client_process.send([30], b"hogehoge\n")
        await stage.until(lambda: stage.session.stalls.going, "a stall")
        await stage.press("p")
        assert "[30]" in stage.lines("connections")[1]


async def test_thread_to_blame_comes_first_of_many() -> None:
    async with dashboard("multithread", clients=12, block=BlockSetting("c-gil", 30)) as stage:
        await stage.until(lambda: stage.session.totals.new == 12, "all are accepted")
        stage.app.live.client_process.send([12], b"first\n")
        await stage.until(lambda: stage.session.blocks.running, "the block")
        stage.app.live.client_process.send([1], b"hogehoge\n")
        await stage.until(lambda: "in C with the GIL" in stage.lines("threads")[1], "the thread that keeps the GIL")


async def test_footer_has_the_keys_of_the_list_of_stalls() -> None:
    async with dashboard("asyncio", size=(80, 24), clients=3, block=BlockSetting("sleep", 30)) as stage:
        await stalled(stage)
        await stage.press("4")
        words = ("go there", "y copy", "[ ] stalls")
        await stage.until(lambda: all(word in stage.shown("keys") for word in words), "the footer")
        await stage.by_footer("go there")
        await stage.until(lambda: stage.app.frozen, "the picture of the stall")
        await stage.press("1")
        await stage.until(lambda: "go there" not in stage.footer(), "another panel")
