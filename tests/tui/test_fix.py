"""The key that starts the recommended pattern: it serves all the same clients, with the same block armed."""

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.tui.panels.patterns import PatternsPanel
from textual.widgets._toast import Toast

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard

WIDE, TALK, SMALL = (160, 45), (100, 30), (80, 24)
BLOCK = BlockSetting("c-gil", 0.2)


def served(stage: Stage, *clients: int) -> bool:
    return all(stage.session.clients[client].echoed for client in clients)


@pytest.mark.parametrize("pattern", ["multithread", "thread-pool"])
async def test_recommended_pool_has_a_process_per_client_and_one_more(pattern: str) -> None:
    options = Options(port=0, workers=2)  # fewer than clients, whatever the number of cores
    async with dashboard(pattern, WIDE, options=options, clients=4, block=BLOCK) as stage:
        await stage.connected(4)
        await stage.press("x")
        await stage.serving("process-pool")
        assert stage.notices()[-1].endswith("With 5 processes: one for each client, and one more.")
        await stage.press("n")
        await stage.connected(5)
        assert stage.app.live.block.now == BLOCK
        await stage.press("a")
        await stage.say("is anybody there")
        await stage.until(lambda: served(stage, 1, 2, 3, 4, 5), "all are served")


@pytest.mark.parametrize(
    ("pattern", "kind", "fix", "words"),
    [
        ("asyncio", "sleep", "asyncio-to-thread", "With 7 threads: one for each client, and one more."),
        pytest.param(
            "asyncio",
            "c-gil",
            "asyncio-processes",
            "With 7 processes: one for each client, and one more.",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "eventlet",
            "c-call",
            "eventlet-tpool",
            "With 7 threads: one for each client, and one more.",
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_recommended_pattern_has_a_helper_for_each_client(pattern: str, kind: str, fix: str, words: str) -> None:
    options = Options(port=0, workers=2)
    async with dashboard(pattern, WIDE, options=options, clients=6, block=BlockSetting(kind, 3)) as stage:
        await stage.connected(6)
        await stage.press("x")
        await stage.serving(fix)
        await stage.until(lambda: any(notice.endswith(words) for notice in stage.notices()), words)
        await stage.connected(6)
        await stage.press("a")
        await stage.say("is anybody there")
        await stage.until(lambda: len(stage.session.blocks.running) == 6, "all of their calls are made at once")


async def test_fix_before_a_server_runs_starts_the_marked_pattern() -> None:
    options = Options(port=0, workers=2)
    async with dashboard(options=options, block=BlockSetting("cpu", 1)) as stage:
        stage.app.query_one(PatternsPanel).put(find("asyncio"))
        await stage.until(lambda: "→ asyncio + processes" in stage.shown("patterns"), "the fix is marked")
        await stage.until(lambda: stage.offers_fix() and "block off" in stage.footer(), "its key, and that it is on")
        await stage.press("x")
        await stage.serving("asyncio-processes")
        assert stage.app.live.block.now == BlockSetting("cpu", 1)


@pytest.mark.slow
async def test_disarmed_block_stays_off_when_the_pattern_restarts() -> None:
    async with dashboard("asyncio-blocking") as stage:
        await stage.shows("block: sleep:20 ON")
        await stage.press("b")
        await stage.shows("block: off")
        for leave, back in ((("space",), ("space",)), (("w", "space"), ("escape", "escape"))):
            await stage.press(*leave)
            await stage.until(lambda: not stage.app.live.running, "it has stopped")
            for key in back:
                await stage.press(key)
                await stage.few_redraws()
            await stage.serving("asyncio-blocking")
            assert stage.app.live.block.now is None
            await stage.shows("block: off")
        await stage.press("space", "enter")
        await stage.shows("block: sleep:20 ON")


async def test_unavailable_key_says_why() -> None:
    async with dashboard("thread-pool", SMALL) as stage:
        for key, words in (
            ("x", "Under thread pool, time.sleep blocks nobody but its sender: there is nothing to fix"),
            ("o", "This server prints nothing: start echo-tui with --print"),
            ("s", "strace is shown for one event loop, and thread pool has none"),
        ):
            await stage.press(key)
            assert stage.notices()[-1] == words
        assert not stage.offers_fix()
        assert not {"hold stdout", "strace"} & set(stage.footer())
        await stage.misbehave("s")
        await stage.until(lambda: stage.notices()[-1] == "No client to do that: n opens one", "why")
        await stage.press("space", "s")
        assert stage.notices()[-1] == "No server runs whose system calls could be shown"


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_notice_covers_neither_stalls_nor_events_nor_threads(size: tuple[int, int]) -> None:
    async with dashboard("eventlet", size, clients=3, block=BlockSetting("c-call", 3)) as stage:
        await stage.connected(3)
        await stage.press("x")
        await stage.serving("eventlet-tpool")
        await stage.until(lambda: [toast for toast in stage.app.screen.query(Toast) if toast.region], "the notice")
        (notice,) = (toast.region for toast in stage.app.screen.query(Toast))
        assert notice.width > 40
        for name in ("header", "patterns", "timeline", "connections", "stalls", "events", "threads", "step", "keys"):
            assert not stage.app.screen.query_one(f"#{name}").region.overlaps(notice), name
