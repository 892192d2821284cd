"""The digit keys: each goes to its panel, even where another panel must make room for it."""

import random

import pytest
from echo_tui.observers import strace
from echo_tui.tui.keys import PANELS
from echo_tui.tui.layout import LOWER
from textual.widgets import Input

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard

DIGITS = {str(number): name for number, name in enumerate(PANELS, 1) if name != "clients"}
SEED = 8
PAIRS = [(one, other) for one in DIGITS for other in DIGITS if one != other]


async def stands(stage: Stage, digit: str, after: str) -> None:
    """Assert that the panel of a digit is on the screen and has the focus."""
    panel = stage.panel(DIGITS[digit])
    await stage.pilot.pause()
    assert stage.app.focused is panel, f"{after} then {digit} leads to {stage.app.focused}"
    assert stage.app.place == DIGITS[digit], f"{digit} after {after}"
    assert panel.region, f"{digit} after {after}"
    assert panel.is_on_screen


@pytest.mark.parametrize(
    "size",
    # The smaller the terminal, the more panels must make room for others.
    seldom(SIZES),
    ids=lambda size: f"{size[0]}x{size[1]}",
)
async def test_every_digit_after_every_other_one(size: tuple[int, int]) -> None:
    pairs = random.Random(f"{SEED} {size}").sample(PAIRS, len(PAIRS) // 2)  # different pairs at each size
    async with dashboard("multithread", size=size, clients=1) as stage:
        await stage.connected(1)
        for before, digit in pairs:
            await stage.press(before)
            await stands(stage, before, "another one")
            await stage.press(digit)
            await stands(stage, digit, before)


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_f_expands_the_panel_of_the_digit(size: tuple[int, int]) -> None:
    async with dashboard("multithread", size=size) as stage:
        for before, digit in (("4", "7"), ("8", "7"), ("4", "8"), ("6", "5"), ("7", "4")):
            await stage.press(before, digit, "f")
            await stage.until(lambda: stage.visible() == {"header", "keys", DIGITS[digit]}, f"{digit} alone")  # noqa: B023
            await stage.press("f")
            await stage.until(lambda: "timeline" in stage.visible(), "the others")


async def test_key_9_goes_to_the_clients_and_not_to_the_input() -> None:
    async with dashboard("multithread", size=(80, 24), clients=30) as stage:
        await stage.connected(30)
        await stage.press("9", "f")
        await stage.until(lambda: "[30]" in stage.shown("client-list") and "[1]" in stage.shown("client-list"), "all")
        assert stage.app.query_one("#line", Input).value == ""
        await stage.press("a", "down", "down")
        assert stage.app.client == 2
        await stage.press("enter")
        assert stage.app.focused is stage.app.query_one("#line")
        await stage.press("f")
        assert stage.app.query_one("#line", Input).value == "f"
        await stage.press("escape", "escape")
        assert stage.app.focused is stage.panel("patterns")
        await stage.press("4", "f", "i")
        await stage.until(lambda: "timeline" in stage.visible(), "a line is typed where it is seen")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (100, 30)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_panel_stays_visible_while_typing_and_choosing(size: tuple[int, int]) -> None:
    async with dashboard("asyncio", size=size, clients=2) as stage:
        await stage.connected(2)
        for digit, panel in DIGITS.items():
            if panel in LOWER:
                await stage.press(digit, "i")
                assert stage.app.focused is stage.app.query_one("#line")
                await stage.press("escape", "a", "1")
                assert panel in stage.visible()


@pytest.mark.skipif(not strace.is_installed(), reason="there is no strace")
@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", ["4", "7"])
async def test_strace_view_shows_the_call_of_an_idle_server(size: tuple[int, int], before: str) -> None:
    async with dashboard("asyncio", size=size) as stage:
        await stage.press(before, "s")
        await stage.until(lambda: "now in epoll_wait(" in stage.shown("calls"), "the call that has not returned")
        title = str(stage.panel("calls").border_title)
        assert title.endswith("strace slows the server")
        assert len(title) <= stage.panel("calls").size.width
        await stage.press("s")
        await stage.until(lambda: stage.app.focused is stage.panel("events"), "the events in its place")
