"""The source panel: the current line of the thread is visible until the user scrolls elsewhere."""

import sys

import pytest

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows where a thread is")


def marked(stage: Stage) -> bool:
    return "▶" in stage.shown("source")


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
async def test_line_of_the_thread_is_visible_until_the_user_scrolls(size: tuple[int, int]) -> None:
    async with dashboard("asyncio", size=size, clients=1) as stage:
        await stage.connected(1)
        await stage.until(lambda: any(s.frames for s in stage.session.threads.known.values()), "where it is")
        await stage.press("8")
        await stage.until(lambda: marked(stage), "the mark")
        await stage.press("end")
        await stage.until(lambda: not marked(stage), "somewhere else")
        stage.panel("source").stale()
        await stage.few_redraws()
        assert not marked(stage), "the panel stays where the user scrolled"
        await stage.press("7", "8")
        stage.panel("source").stale()
        await stage.until(lambda: marked(stage), "the mark anew")
