"""The layout at every size, and resizes at any time."""

import random
from itertools import combinations

import pytest
from echo_servers.server import Options
from echo_tui.tui.layout import arrange
from echo_tui.tui.panel import Panel

from tests.tui.stage import SIZES, Stage, dashboard, rendered

TOO_SMALL = (30, 10)
SEED = 20_262
STEPS = 70


async def resize(stage: Stage, size: tuple[int, int]) -> None:
    await stage.pilot.resize_terminal(*size)
    await stage.until(lambda: stage.app.screen_stack[0].size == size, f"{size}")


async def well_laid_out(stage: Stage, when: str) -> None:
    """Wait until the expected panels are shown, within the screen, and without overlaps; fail if that never happens."""
    try:
        await stage.until(lambda: not faults(stage), when)
    except AssertionError as late:
        raise AssertionError(f"{when}: {faults(stage)}") from late


def faults(stage: Stage) -> list[str]:
    """Return what is wrong with the layout now. Just after a resize that is much."""
    screen = stage.app.screen_stack[0]
    width, height = screen.size
    wanted = arrange(width, height, stage.app.seat, stage.app.instead, stage.app.expanded).shown
    inside = {"client-list", "exchange"} if "clients" in wanted else set()
    if stage.visible() - inside != wanted - {"clients", "too-small"}:
        return [f"panels {stage.visible()}"]
    panels = [panel for panel in screen.query(Panel) if panel.region and panel.is_on_screen]
    outside = [f"{panel} outside" for panel in panels if not screen.region.contains_region(panel.region)]
    ragged = [f"{panel} ragged" for panel in panels if {len(line) for line in rendered(panel)} - {panel.region.width}]
    pairs = combinations(panels, 2)
    return outside + ragged + [f"{one} over {other}" for one, other in pairs if one.region.overlaps(other.region)]


async def test_every_panel_is_placed() -> None:
    async with dashboard("multithread", clients=3) as stage:
        await stage.connected(3)
        for size in (*SIZES, (139, 40), (140, 40), (300, 90)):
            await resize(stage, size)
            for key in "12345678":
                await stage.press(key)
                await well_laid_out(stage, f"panel {key} at {size}")
                await stage.until(lambda: stage.app.focused, f"the focus after {key}")
                assert stage.app.focused
                assert key == "9" or stage.app.focused.region.height >= 5, (stage.app.focused, size)
            await stage.press("escape")
            await stage.until(lambda: {"help", "quit"} <= set(stage.footer()), "the footer")


async def test_below_the_minimum_size_a_line_says_what_is_needed() -> None:
    async with dashboard("multithread", size=TOO_SMALL) as stage:
        for width, height in (TOO_SMALL, (79, 24), (80, 23), (1, 1)):
            await resize(stage, (width, height))
            await stage.until(lambda: not stage.visible(), "no panel")
            notice = str(stage.app.query_one("#too-small").render())
            assert notice == f"echo-tui needs 80 x 24; this terminal has {width} x {height}"
        await resize(stage, (80, 24))
        await well_laid_out(stage, "the dashboard")


WAYS = {
    "plain": [],
    "typing": ["i"],
    "a question": ["B"],
    "help": ["question_mark"],
    "the palette": ["ctrl+p"],
    "frozen": ["p"],
    "expanded": ["4", "f"],
    "expanded and frozen": ["3", "f", "p"],
    "looking back": ["4", "home"],
}


@pytest.mark.slow
async def test_shrinking_to_a_tiny_terminal_and_back_keeps_the_state() -> None:
    async with dashboard("multithread", clients=3) as stage:
        await stage.connected(3)
        for turn, (way, keys) in enumerate(WAYS.items()):
            small = SIZES[turn % 3]
            await stage.press(*keys)
            screen, frozen = type(stage.app.screen), stage.app.frozen is not None
            for size in (TOO_SMALL, small):
                await resize(stage, size)
                assert type(stage.app.screen) is screen, way
                assert (stage.app.frozen is not None) == frozen, way
            for _ in keys:
                await stage.press("escape")
            await well_laid_out(stage, f"after {way}")


async def test_ended_server_at_every_size() -> None:
    async with dashboard("nonblocking") as stage:
        await stage.shows("BlockingIOError")
        for size in (*SIZES, TOO_SMALL, *SIZES):
            await resize(stage, size)
            await well_laid_out(stage, f"{size}")
            if size != TOO_SMALL:
                await stage.until(lambda: "BlockingIOError" in stage.shown("ended"), "the traceback")


KEYS = [
    *"12345678bpfBNnarluyitgeEz", "tab", "enter", "space", "comma", "full_stop", "left", "right", "up", "down", "home",
    "end", "pageup", "pagedown", "escape", "question_mark", "ctrl+p", "c", "escape", "n", "p", "f", "j", "k",
]  # fmt: skip


@pytest.mark.slow  # tests/fuzz_keys.py does the same in a real terminal, and runs briefly in every test run
async def test_random_keys_clicks_and_resizes() -> None:
    """The dashboard survives random keys, clicks and resizes (from a fixed seed), and still responds."""
    chance = random.Random(SEED)
    async with dashboard("multithread", clients=2, options=Options(port=0, ceiling=50)) as stage:
        done: list[object] = []
        for _ in range(STEPS):
            match chance.randrange(10):
                case 0:
                    size = chance.choice([*SIZES, TOO_SMALL, (120, 33)])
                    done.append(size)
                    await stage.pilot.resize_terminal(*size)
                case 1:
                    x, y = chance.randrange(160), chance.randrange(45)
                    done.append(("click", x, y))
                    if x < stage.app.size.width and y < stage.app.size.height:
                        await stage.pilot.click(offset=(x, y))
                case _:
                    key = chance.choice(KEYS)
                    done.append(key)
                    await stage.press(key)
            assert stage.app.is_running, done
        await resize(stage, (160, 45))
        while len(stage.app.screen_stack) > 1:
            await stage.press("escape")
        await stage.press("escape", "escape", "escape")
        await well_laid_out(stage, f"the dashboard after {done}")
        before = stage.app.live.clients
        await stage.press("1", "n")
        assert stage.app.live.clients == before + 1
