"""What the screen shows of clients that do not read, of clients that send nothing, and of a flood."""

import re
import time

import pytest
from echo_servers.catalog import find
from echo_servers.ceiling import CEILING
from echo_servers.records import Bye
from echo_servers.server import Options
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.observations import ClientClosed
from echo_tui.tui.dialogs import Ask

from tests.crossed import seldom_cases
from tests.tui.stage import Stage, dashboard

SMALL, TALK = (80, 24), (100, 30)


async def load(stage: Stage, words: str) -> None:
    await stage.press("l")
    await stage.until(lambda: isinstance(stage.app.screen, Ask), "a question")
    await stage.write(words)
    await stage.press("enter")
    await stage.until(lambda: not isinstance(stage.app.screen, Ask), "an accepted answer")


def goes_on(stage: Stage, cause: Cause) -> bool:
    return any(stall.cause is cause for stall in stage.session.stalls.going.values())


@pytest.mark.slow
async def test_client_that_does_not_read_stops_or_fills_a_server() -> None:
    async with dashboard("asyncio", SMALL, clients=2) as stage:
        await stage.connected(2)
        await stage.misbehave("s")
        await stage.until(lambda: stage.chips()["1"] == "not reading", "the chip")
        assert "unsent" not in stage.shown("connections")
        await load(stage, "500x64k")
        await stage.until(lambda: stage.connection(1).unread and stage.connection(1).unsent, "the server stops reading")
        await stage.until(
            lambda: "unsent" in stage.lines("connections")[0] and "MB" in stage.shown("connections"), "it"
        )
        assert not stage.session.stalls.count, "the loop serves all other clients"
        await stage.until(lambda: stage.chips()["1"].startswith("not reading "), "for how long")
        assert all(process.growth < CEILING // 4 for process in stage.session.resources.processes.values())
        assert "memory" not in stage.shown("header")

        stage.app.start_from_palette(find("asyncio-naive"))
        await stage.serving("asyncio-naive")
        await stage.until(lambda: stage.session.clients[1].connection and not stage.session.clients[1].reading, "still")
        await stage.shows("memory +")
        await stage.until(lambda: stage.session.printed.notes, "the ceiling")
        assert "ceiling of 64 MiB" in stage.session.printed.notes[-1].text
        await stage.until(lambda: "ceiling reached" in stage.shown("header"), "it, in the header")
        (process,) = stage.session.resources.processes.values()
        await stage.until(lambda: process.growth > CEILING // 2, "its memory")
        assert process.growth < 2 * CEILING
        await stage.press("6")
        await stage.until(lambda: " MB, +" in stage.shown("cpu"), "it, in the panel")

        await stage.misbehave("s")
        await load(stage, "0")
        await stage.until(lambda: not stage.session.stalls.going and not stage.connection(1).unsent, "it reads again")
        await stage.until(lambda: stage.chips()["1"].startswith("echo in"), "and hears everything")
        assert not stage.session.totals.spoiled
        assert "ceiling" in stage.shown("header"), "the note stays"


async def test_unsent_bytes_are_shown_at_the_size_of_a_talk() -> None:
    async with dashboard("multithread", TALK, clients=2) as stage:
        await stage.connected(2)
        await stage.misbehave("s")
        await load(stage, "500x64k")
        await stage.until(lambda: goes_on(stage, Cause.NOT_READING), "its thread waits for room")
        await stage.until(lambda: "unsent" in stage.lines("connections")[0], "the column")
        threads = stage.session.threads
        await stage.until(lambda: any(thread.kind == "send" for thread in threads.known.values()), "its thread")


async def test_silent_client_occupies_a_pool_worker_but_no_loop() -> None:
    async with dashboard("thread-pool", TALK, options=Options(port=0, workers=2)) as stage:
        await stage.open(3)
        await stage.until(lambda: goes_on(stage, Cause.ALL_WORKERS_BUSY), "no worker is free")
        await stage.until(lambda: stage.chips()["3"].startswith("not accepted"), "the third one waits")
        await stage.until(lambda: stage.shown("threads").count("in recv") == 2, "two threads wait for who says nothing")
        stage.app.start_from_palette(find("asyncio"))
        await stage.serving("asyncio")
        await stage.connected(3)
        await stage.say("is anybody there")
        await stage.until(lambda: stage.chips()["3"].startswith("echo in"), "the third one is served")


async def test_flood_fills_the_backlog() -> None:
    async with dashboard("single-thread", SMALL, clients=1) as stage:
        await stage.connected(1)
        await stage.until(lambda: stage.session.totals.new == 1, "it is served")
        await stage.misbehave("f")
        await stage.until(lambda: goes_on(stage, Cause.BACKLOG), "the queue is full")
        await stage.until(lambda: stage.chips()["flood"] == "129 of 200 got in", "the chip")
        server = stage.session.server
        await stage.until(lambda: server and server.dropped, "the kernel drops others")
        words = "queue ███ 129 of 128, 71 not answered"
        await stage.until(lambda: words in str(stage.panel("connections").border_title), "it")
        await stage.until(lambda: "flood" in stage.shown("connections"), "the name of the flood")
        await stage.press("full_stop")
        await stage.serving("multithread")
        await stage.until(lambda: not stage.session.clients.flood.count, "it ends with the server")
        await stage.misbehave("f")
        await stage.until(lambda: stage.session.totals.new == 201, "here everybody gets in")
        await stage.until(lambda: not goes_on(stage, Cause.BACKLOG), "and no queue is full")
        await stage.misbehave("f")
        await stage.until(lambda: len(stage.session.connections.closed) >= 200, "they are closed")
        await stage.until(lambda: re.search("flood +closed", stage.shown("connections")), "those that were")
        assert "external" not in stage.shown("connections")


async def test_flood_is_shown_whichever_client_is_chosen() -> None:
    async with dashboard("single-thread", SMALL, clients=3) as stage:
        await stage.connected(3)
        await stage.misbehave("f")
        await stage.until(lambda: "flood" in stage.chips(), "its chip")
        while stage.app.client != 3:
            await stage.press("right")
        await stage.until(lambda: "3" in stage.chips(), "the chosen one is in sight")
        pane = stage.app.screen.query_one("#clients")
        await stage.until(lambda: re.search(r"\[flood\] \d+ of 200 got in", str(pane.border_subtitle)), "the flood")


async def test_reason_of_a_rejection_is_in_the_clients_line() -> None:
    why = "its descriptor is 1024, and select takes none so high (FD_SETSIZE)"
    async with dashboard("select-loop", SMALL, clients=1) as stage:
        await stage.until(lambda: stage.session.totals.new == 1 and stage.connection(1).accepted_at, "it is accepted")
        connection, now = stage.connection(1), time.monotonic_ns()
        assert connection.key
        stage.session.apply(Bye(now, connection.pid, connection.tid, connection.key[1], why))
        await stage.few_redraws()
        assert why not in stage.shown("exchange"), "the client has not reported its end yet"
        stage.session.apply(ClientClosed(now, 1, "server-closed"))
        await stage.until(lambda: f"[1] {why}" in stage.shown("exchange"), "why")
        assert stage.chips()["1"] == "server closed"


async def test_closed_client_is_not_opened_for_the_next_pattern() -> None:
    async with dashboard("asyncio") as stage:
        await stage.open(1)
        await stage.press("c")
        await stage.until(lambda: stage.session.clients[1].ended, "it is closed")
        stage.app.start_from_palette(find("asyncio-naive"))
        await stage.serving("asyncio-naive")
        assert stage.app.client is None
        stage.app.client = 1  # as if its opening were not reported yet
        await stage.press("m", "s")
        await stage.few_redraws()
        assert stage.app.is_running


async def test_choosing_from_a_closed_client_goes_to_its_neighbour() -> None:
    async with dashboard("multithread", clients=4) as stage:
        await stage.connected(4)
        for key, here in (("left", "[2]"), ("right", "[4]")):
            stage.app.client = 3
            await stage.press("c")
            await stage.until(lambda: stage.session.clients[3].ended, "it is closed")
            await stage.press(key)
            await stage.shows(f"▶{here}")


@pytest.mark.parametrize(
    ("pattern", "price"),
    seldom_cases(
        [("asyncio", "a loop nothing"), ("thread-pool", "the pool a worker"), ("multithread", "a thread of its own"),
         ("single-thread", "the only thread")],
        ("thread-pool", "the pool a worker"), ("single-thread", "the only thread"),
    ),
)  # fmt: skip
async def test_cost_of_a_silent_client_is_that_of_the_running_pattern(pattern: str, price: str) -> None:
    async with dashboard(pattern, TALK, clients=1) as stage:
        await stage.connected(1)
        await stage.press("m")
        await stage.shows(f"A silent client (n) costs {price}.")
