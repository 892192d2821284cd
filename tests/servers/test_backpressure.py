"""A client that sends and never reads: a server stops taking, or keeps what it does not read, up to a ceiling."""

import select
import socket
import time

import pytest

from servers.ceiling import CEILING
from servers.records import Note
from tests.servers.harness import SERVING, Running, Starter, eventually
from tests.servers.talk import ask, receive

MIB = 2**20
FLOOD = 3 * CEILING
"""Far more than the ceiling and the kernel's buffers of both ends hold."""
BOUND = 12 * MIB
"""What a server may grow by that keeps no more than one message, or a small buffer, for a client."""
STUCK = 1.0
"""Seconds in which a client can send nothing before it counts as stuck."""
BOUNDED = [pattern for pattern in SERVING if pattern != "asyncio-naive"]
CHUNK = bytes(range(256)) * 256


def flood(server: Running, client: socket.socket, most: int = FLOOD) -> int:
    """Send and never read, until the server takes nothing more; gives how many bytes that was."""
    sent, since = 0, time.monotonic()
    client.setblocking(False)
    while sent < most and time.monotonic() - since < STUCK:
        server.events.drain()
        if select.select([], [client], [], 0.05)[1]:
            sent += client.send(CHUNK[sent % len(CHUNK) :])
            since = time.monotonic()
    client.settimeout(20)
    return sent


def memory(server: Running) -> int:
    return max(worker.memory_info().rss for worker in server.workers())


def settled(server: Running) -> int:
    """The server's memory once it has served somebody."""
    with server.connect() as first:
        ask(first, bytes(2**18))
    return memory(server)


@pytest.mark.parametrize("pattern", BOUNDED)
def test_a_server_that_heeds_a_client_that_does_not_read_does_not_grow(start: Starter, pattern: str) -> None:
    server = start(pattern, "--workers", "2")
    before = settled(server)
    with server.connect() as deaf:
        assert flood(server, deaf) < FLOOD, "the kernel has stopped the client"
        assert memory(server) - before < BOUND


def test_one_that_does_not_heed_it_grows_until_its_ceiling_strikes_and_says_so(start: Starter) -> None:
    server = start("asyncio-naive")
    before = settled(server)
    with server.connect() as deaf, server.connect() as other:
        sent = flood(server, deaf)
        assert CEILING < sent < FLOOD
        assert CEILING - BOUND < memory(server) - before < CEILING + 2 * BOUND
        (note,) = server.until(Note)
        assert note.text.startswith("ceiling of 64 MiB unsent: nothing more is taken from 127.0.0.1:")
        ask(other)
        whole, rest = divmod(sent, len(CHUNK))
        assert receive(deaf, sent) == CHUNK * whole + CHUNK[:rest], "nothing was lost"
        ask(deaf, b"taken again")


def test_the_ceiling_is_for_all_clients_together(start: Starter) -> None:
    server = start("asyncio-naive")
    before = settled(server)
    deaf = [server.connect() for _ in range(3)]
    for client in deaf:
        flood(server, client, FLOOD)
    eventually(lambda: len(server.events.of(Note)) == len(deaf), "each is told of")
    assert memory(server) - before < CEILING + 2 * BOUND
    for client in deaf:
        client.close()
    with server.connect() as client:
        ask(client)
