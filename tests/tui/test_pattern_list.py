"""The list of patterns where it is longer than its panel, the fix in it, and a pattern with several loops."""

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import FAMILIES, PATTERNS, find
from echo_servers.server import Options
from echo_tui.tui.panels.patterns import PatternsPanel

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard

SMALL = (80, 24)


def panel(stage: Stage) -> PatternsPanel:
    found = stage.panel("patterns")
    assert isinstance(found, PatternsPanel)
    return found


async def test_running_pattern_stays_visible_while_browsing() -> None:
    async with dashboard("eventlet", size=SMALL) as stage:
        await stage.serving("eventlet")
        await stage.until(lambda: "● Eventlet" in stage.shown("patterns"), "the running pattern")
        await stage.press("1", "home")
        await stage.until(lambda: stage.lines("patterns")[1].strip() == PATTERNS[0].title, "the first pattern")
        assert stage.lines("patterns")[0] == FAMILIES[0].upper()
        await stage.press("2")
        await stage.until(lambda: "● Eventlet" in stage.shown("patterns"), "the running pattern again")
        await stage.press("1")
        await stage.until(lambda: panel(stage).pattern is find("eventlet"), "the pattern at the cursor")


async def test_browsing_scrolls_the_list() -> None:
    async with dashboard(size=SMALL) as stage:
        for pattern in PATTERNS:
            assert panel(stage).pattern is pattern
            await stage.until(lambda title=pattern.title: title in stage.shown("patterns"), pattern.title)  # type: ignore[misc]
            await stage.press("down")
        for pattern in reversed(PATTERNS):
            assert panel(stage).pattern is pattern
            await stage.until(lambda title=pattern.title: title in stage.shown("patterns"), pattern.title)  # type: ignore[misc]
            await stage.press("up")
        assert stage.lines("patterns")[0] == FAMILIES[0].upper()


async def test_wakes_per_connection_are_shown() -> None:
    options = Options(port=0, workers=2)
    async with dashboard("process-loops", clients=4, size=(160, 45), options=options) as stage:
        await stage.connected(4)
        await stage.until(lambda: "wakes per connection" in str(stage.panel("threads").border_title), "the wakes")
        await stage.pilot.resize_terminal(100, 30)
        await stage.until(lambda: str(stage.panel("threads").border_title).endswith(" wakes"), "in short")


@pytest.mark.parametrize("walked", [False, True])
async def test_fix_is_visible_beside_the_running_pattern(walked: bool) -> None:
    async with dashboard("" if walked else "eventlet", size=SMALL, block=BlockSetting("c-call", 3)) as stage:
        if walked:
            stage.app.start_from_palette(find("asyncio-blocking"))
            await stage.serving("asyncio-blocking")
            stage.app.live.arm(BlockSetting("c-call", 3))
            stage.app.draw()
            await stage.press("full_stop")
        await stage.serving("eventlet")
        await stage.until(lambda: "→ Eventlet + tpool" in stage.shown("patterns"), "the fix")
        assert "● Eventlet" in stage.shown("patterns")
        await stage.press("down")
        assert "● Eventlet" in stage.shown("patterns"), "one step does not scroll the list"


async def test_fix_is_named_whether_the_block_is_on_or_off() -> None:
    async with dashboard("asyncio", size=SMALL) as stage:
        for _ in range(3):
            await stage.until(lambda: "→ asyncio to a thread" in stage.shown("patterns"), "the fix")
            assert "● asyncio" in stage.shown("patterns")
            await stage.until(stage.offers_fix, "its key")
            await stage.press("b")
        stage.app.live.arm(BlockSetting("c-gil", 1))
        await stage.until(lambda: "→ asyncio + processes" in stage.shown("patterns"), "the fix of another block")
        stage.app.start_from_palette(find("asyncio-processes"))
        await stage.serving("asyncio-processes")
        await stage.until(lambda: not stage.offers_fix(), "no fix is offered")
        assert "→ " not in stage.shown("patterns")


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]))
async def test_header_says_how_loops_share_their_port(size: tuple[int, int]) -> None:
    for share, words in ((None, "(accept)"), ("herd", "(herd)")):
        options = Options(port=0, workers=2, share=share)
        async with dashboard("process-loops", size, options=options, block=BlockSetting("sleep", 2)) as stage:
            await stage.until(lambda words=words: words in stage.shown("header"), words)  # type: ignore[misc]
            stage.app.start_from_palette(find("eventlet"))
            await stage.serving("eventlet")
            await stage.until(lambda: "Eventlet" in stage.shown("header"), "another pattern")
            assert "(" not in stage.shown("header")
