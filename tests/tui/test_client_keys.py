"""Every key for our clients does what its help says."""

from echo_servers.block import BlockSetting
from echo_servers.records import Bye
from echo_servers.server import Options
from echo_tui.model.remembered import State
from echo_tui.tui.keys import CLIENTS

from tests.tui.checks import Checks, answer, without_clients
from tests.tui.stage import Stage, dashboard

checks = Checks(CLIENTS)


@checks.key("new")
async def new(stage: Stage) -> None:
    await stage.press("n")
    await stage.connected(1)
    assert stage.app.client == 1


@checks.key("new-many")
async def new_many(stage: Stage) -> None:
    await stage.press("N")
    await answer(stage, "3")
    await stage.connected(4)
    assert stage.app.client is None


@checks.key("type")
async def type_a_line(stage: Stage) -> None:
    await stage.say("hogehoge")
    await stage.until(lambda: all(client.echoed == 1 for client in stage.session.clients.values()), "four echoes")
    await stage.shows(r"Recv: b'hogehoge\n' from", r"Send: b'hogehoge\n' to")


@checks.key("choose-right")
async def choose_right(stage: Stage) -> None:
    await stage.press("right", "right")
    await stage.shows("▶[2]", "to [2] >")


@checks.key("choose-left")
async def choose_left(stage: Stage) -> None:
    await stage.press("left", "left", "left")
    await stage.shows("▶[4]")


@checks.key("speak")
async def speak(stage: Stage) -> None:
    before = {number: client.echoed for number, client in stage.session.clients.items()}
    await stage.press("e")
    await stage.until(
        lambda: all(client.echoed == before[number] + 1 for number, client in stage.session.clients.items()),
        "an echo for each",
    )
    await stage.shows(r"Recv: b'hello\n' from")


@checks.key("speak-block")
async def speak_and_block(stage: Stage) -> None:
    stage.app.live.arm(BlockSetting("sleep", 1))
    before = {number: client.echoed for number, client in stage.session.clients.items()}
    await stage.press("E")
    await stage.until(lambda: stage.session.blocks.running, "the block")
    (span,) = stage.session.blocks.running.values()
    assert stage.session.connections[span.connection].client == 1
    await stage.until(
        lambda: all(client.echoed == before[number] + 1 for number, client in stage.session.clients.items()),
        "an echo for each",
    )
    assert len(stage.session.blocks.spans) == 1, "only the first one blocks"
    port = stage.session.connections[span.connection].peer.rpartition(":")[2]
    await stage.shows(f"block: sleep:1 ON for :{port}")
    await stage.press("b")


@checks.key("all")
async def choose_all(stage: Stage) -> None:
    await stage.press("a")
    await stage.shows("▶[all]", "to all >")


@checks.key("load")
async def load(stage: Stage) -> None:
    await stage.press("l")
    await answer(stage, "50")
    before = stage.session.totals.echoes
    await stage.until(lambda: stage.session.totals.echoes >= before + 20, "chatter")
    await stage.press("l")
    await answer(stage, "0")
    await stage.until(lambda: not any(c.waiting_since for c in stage.session.connections.values()), "quiet")


@checks.key("burst")
async def burst(stage: Stage) -> None:
    await stage.few_redraws()
    await stage.press("right", "u")
    before = stage.session.clients[1].echoed
    await answer(stage, "30")
    await stage.until(lambda: stage.session.clients[1].echoed == before + 30, "thirty echoes")


@checks.key("close")
async def close(stage: Stage) -> None:
    await stage.press("c")
    await stage.until(lambda: stage.connection(1).state is State.CLOSED, "client 1 closed")
    assert [c.client for c in stage.session.connections.values()] == [2, 3, 4]


@checks.key("reset")
async def reset(stage: Stage) -> None:
    await stage.press("right", "C")
    await stage.until(lambda: stage.connection(2).state is State.CLOSED, "client 2 closed")
    log = stage.session.log
    said = [record for record, _ in log.slice(0, log.total) if isinstance(record, Bye)]
    assert "reset" in said[-1].error.lower()


@checks.key("misbehave")
async def misbehave(stage: Stage) -> None:
    await without_clients(stage, "multithread")
    await stage.open(2)
    await stage.press("m")
    await stage.shows("How should client", "Stop reading", "Half-close", "Reset", "Flood")
    await stage.press("escape")
    assert len(stage.app.screen_stack) == 1
    await stage.press("a")
    await stage.misbehave("s")
    await stage.until(lambda: not any(client.reading for client in stage.session.clients.values()), "no client reads")
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
    await without_clients(stage, "multithread")
    await stage.open(4)


async def test_every_key_of_clients() -> None:
    async with dashboard("multithread", options=Options(port=0)) as stage:
        await checks.go(stage)


async def test_load_of_a_closed_client_is_refused() -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.connected(2)
        stage.app.client = 1
        await stage.press("c")
        await stage.until(lambda: stage.session.clients[1].ended, "its end")
        stage.app.client = 1
        await stage.press("l")
        await stage.until(lambda: any("[1] is closed" in notice for notice in stage.notices()), "the refusal")
