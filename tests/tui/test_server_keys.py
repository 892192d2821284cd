"""Every key for the server does what its help says."""

from app.tui.keys import SERVER
from servers.catalog import find
from servers.server import Options
from tests.tui.checks import Checks, answer, with_nobody
from tests.tui.stage import Stage, dashboard

checks = Checks(SERVER)


@checks.key("start")
async def start(stage: Stage) -> None:
    await stage.press("1", "down", "enter")
    await stage.serving("thread-pool")


@checks.key("toggle")
async def toggle(stage: Stage) -> None:
    await stage.press("space")
    assert not stage.app.live.running
    await stage.shows("stopped")
    await stage.press("space")
    await stage.serving("thread-pool")


@checks.key("previous")
async def previous(stage: Stage) -> None:
    await stage.press("comma")
    await stage.serving("multithread")
    await stage.press("less_than_sign")
    await stage.serving("single-thread")


@checks.key("next")
async def following(stage: Stage) -> None:
    await stage.press("greater_than_sign")
    await stage.serving("multithread")
    await stage.press("full_stop")
    await stage.serving("thread-pool")


@checks.key("block")
async def block(stage: Stage) -> None:
    await stage.press("b")
    await stage.shows("block: time.sleep 2 s ON")
    await stage.press("b")
    await stage.shows("block: off")


@checks.key("block-set")
async def block_set(stage: Stage) -> None:
    await stage.press("B")
    await answer(stage, "sleep:0.25")
    await stage.shows("block: time.sleep 0.25 s ON")
    assert stage.app.live.block.now is not None


@checks.key("remedy")
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


@checks.key("hold")
async def hold(stage: Stage) -> None:
    assert "hold stdout" in stage.footer()
    await stage.press("o")
    await stage.shows("stdout held", "stdout is held: nobody reads it")
    assert "read stdout" in stage.footer()
    await stage.press("o")
    await stage.until(lambda: "stdout held" not in stage.shown("header"), "it is read again")


async def test_every_key_of_server() -> None:
    async with dashboard("multithread", options=Options(port=0, print=True)) as stage:
        await checks.go(stage)
