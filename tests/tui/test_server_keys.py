"""Every key for the server does what its help says."""

import socket

from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.tui.keys import SERVER

from tests.tui.checks import Checks, answer, without_clients
from tests.tui.stage import Stage, dashboard

checks = Checks(SERVER)


@checks.key("start")
async def start(stage: Stage) -> None:
    await stage.press("1", "down", "enter")
    await stage.serving("thread-pool")


@checks.key("demo")
async def demo(stage: Stage) -> None:
    await stage.press("g")
    await stage.few_redraws()
    assert stage.session.server
    assert stage.session.server.pattern == "thread-pool", "the running server is kept"
    await stage.press("space", "g")
    await stage.serving("asyncio")
    await stage.until(lambda: stage.session.stalls.going, "everybody waits for the first one")
    assert [client.number for client in stage.session.clients.values()] == [1, 2, 3]
    await stage.shows("STALLED", "waits for [1]", "blocks ", "time.sleep(")
    await without_clients(stage, "thread-pool")
    await stage.press("b")
    assert not stage.session.block.on


@checks.key("restart")
async def restart(stage: Stage) -> None:
    before, port = stage.session, stage.session.server and stage.session.server.port
    await stage.press("R")
    await stage.until(lambda: stage.session is not before, "another run")
    await stage.serving("thread-pool")
    assert stage.session.server
    assert stage.session.server.port == port


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
    await stage.press("comma")
    await stage.serving("single-thread")


@checks.key("next")
async def following(stage: Stage) -> None:
    await stage.press("full_stop")
    await stage.serving("multithread")
    await stage.press("full_stop")
    await stage.serving("thread-pool")


@checks.key("block")
async def block(stage: Stage) -> None:
    await stage.press("b")
    await stage.shows("block: sleep:5 ON")
    await stage.press("b")
    await stage.shows("block: off")


@checks.key("block-set")
async def block_set(stage: Stage) -> None:
    await stage.press("B")
    await answer(stage, "sleep:0.25")
    await stage.shows("block: sleep:0.25 ON")
    assert stage.app.live.block.now is not None


@checks.key("fix")
async def fix(stage: Stage) -> None:
    stage.app.start_from_palette(find("asyncio-blocking"))
    await stage.serving("asyncio-blocking")
    block = stage.app.live.block.now
    await stage.open(2)
    assert "→ asyncio to a thread" in stage.shown("patterns")
    await stage.press("x")
    await stage.serving("asyncio-to-thread")
    await stage.connected(2)
    assert stage.app.live.block.now == block is not None, "the same block is still armed"
    await stage.press("x")
    assert stage.app.live.pattern == find("asyncio-to-thread"), "no fix is needed there"
    stage.app.live.arm(None)
    await without_clients(stage, "multithread")


@checks.key("hold")
async def hold(stage: Stage) -> None:
    assert "hold stdout" in stage.footer()
    await stage.press("o")
    await stage.shows("stdout held", "stdout is held: nobody reads it")
    assert "read stdout" in stage.footer()
    await stage.press("o")
    await stage.until(lambda: "stdout held" not in stage.shown("header"), "stdout is read again")


async def test_every_key_of_server() -> None:
    async with dashboard("multithread", options=Options(port=0, print=True)) as stage:
        await checks.go(stage)


async def test_enter_on_the_running_pattern_leaves_it_running() -> None:
    async with dashboard("multithread") as stage:
        before = stage.session
        await stage.open(1)
        await stage.press("1", "enter")
        await stage.until(lambda: any("R restarts it" in words for words in stage.notices()), "the way to restart it")
        assert stage.session is before
        await stage.press("space", "enter")  # a stopped pattern is started
        await stage.until(lambda: stage.session is not before, "another run")
        await stage.serving("multithread")


async def test_restart_asks_before_it_disconnects_external_clients() -> None:
    async with dashboard("multithread") as stage:
        before, server = stage.session, stage.session.server
        assert server
        with socket.create_connection((server.host, server.port)):
            await stage.until(lambda: stage.app.live.guests == 1, "the external client")
            await stage.press("R")
            await stage.shows("Restart and cut off 1 external client?")
            await stage.press("n")
            await stage.until(lambda: len(stage.app.screen_stack) == 1, "no question any more")
            assert stage.session is before
            await stage.press("R")
            await stage.shows("Restart and cut off 1 external client?")
            await stage.press("y")
            await stage.until(lambda: stage.session is not before, "another run")
            await stage.serving("multithread")
            assert stage.session.server
            assert stage.session.server.port == server.port
