"""Pictures of the screen. After an intended change: pytest tests/tui/test_pictures.py --snapshot-update; check them."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.stage import SIZES
from tests.tui.still import NOW, START, Still, death, goodbye, run

Compare = Callable[..., bool]


async def settle(pilot: Pilot[Any]) -> None:
    """Draw the screen with client 3 chosen, if there are clients."""
    app = pilot.app
    assert isinstance(app, Still)
    await pilot.pause()
    app.client = 3 if app.live.session.clients else None
    await drawn(pilot)


async def drawn(pilot: Pilot[Any]) -> None:
    """Draw the screen as it is now."""
    assert isinstance(pilot.app, Still)
    await pilot.pause()
    pilot.app.draw()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_during_a_block(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(Still("asyncio-blocking", run()), terminal_size=size, run_before=settle)


def test_for_a_projector(snap_compare: Compare) -> None:
    app = Still("asyncio-blocking", run(), theme="echo-projector")
    assert snap_compare(app, terminal_size=(100, 30), run_before=settle)


def test_frozen(snap_compare: Compare) -> None:
    app = Still("asyncio-blocking", run())

    async def freeze(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("p")
        app.session.apply_all(goodbye())
        await pilot.press("5")
        await drawn(pilot)

    assert snap_compare(app, terminal_size=(100, 30), run_before=freeze)


def test_a_server_that_has_died(snap_compare: Compare) -> None:
    app = Still("nonblocking", death(), now=START + 5_000_000_000)
    assert snap_compare(app, terminal_size=(100, 30), run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_welcome(size: tuple[int, int], snap_compare: Compare) -> None:
    app = Still("single-thread", [], now=NOW)
    assert snap_compare(app, terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_on_stage(size: tuple[int, int], snap_compare: Compare) -> None:
    async def to_stage(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("z")
        await drawn(pilot)

    assert snap_compare(Still("asyncio-blocking", run()), terminal_size=size, run_before=to_stage)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_matrix_before_it_measures(size: tuple[int, int], snap_compare: Compare) -> None:
    app = Still("single-thread", [], now=NOW)
    assert snap_compare(app, press=["w"], terminal_size=size)


def test_the_help(snap_compare: Compare) -> None:
    app = Still("asyncio-blocking", run())
    assert snap_compare(app, press=["question_mark"], terminal_size=(100, 45), run_before=settle)
