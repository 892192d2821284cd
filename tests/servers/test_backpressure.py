"""A client that sends and never reads: a server stops taking, or keeps what it does not read, up to a ceiling."""

import select
import socket
import time

import pytest
from echo_servers.ceiling import CEILING
from echo_servers.records import Note
from echo_servers.server import RECV_BYTES

from tests.crossed import seldom
from tests.servers.harness import SERVING, Running, Starter, eventually
from tests.servers.talk import ask, receive

MIB = 2**20
FLOOD = 3 * CEILING
"""Far more than the ceiling and the kernel's buffers of both ends hold."""
BOUND = 16 * MIB
"""What a server may grow by that keeps no more than one message, or a small buffer, for a client."""
STUCK = 1.0
"""Seconds in which a client can send nothing before it counts as stuck."""
BUFFERED = ("asyncio", "asyncio-blocking", "process-loops", "uvloop", "twisted")
"""Whose sends go to the library's own buffer, and are said to be done."""
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


def stream(size: int) -> bytes:
    """The bytes that so large a flood has."""
    whole, rest = divmod(size, len(CHUNK))
    return CHUNK * whole + CHUNK[:rest]


def memory(server: Running) -> int:
    return max(worker.memory_info().rss for worker in server.workers())


def settled(server: Running) -> int:
    """The server's memory once it has served somebody."""
    with server.connect() as first:
        ask(first, bytes(2**18))
    return memory(server)


@pytest.mark.parametrize(
    "pattern",
    seldom(
        BOUNDED, "multithread", "busy-loop", "select-loop", "asyncio-streams", "eventlet", "twisted", "trio",
    ),
)  # fmt: skip
def test_a_client_that_does_not_read_costs_no_memory(start: Starter, pattern: str) -> None:
    """It is held back, not buffered for; what it has sent is seen on the pipe, and comes back in the end."""
    server = start(pattern, "--workers", "1")
    server.events.widen()
    with server.connect(receive_buffer=4096) as client:
        ask(client, b"x" * RECV_BYTES)
        before = memory(server)
        sent = flood(server, client)
        assert sent < FLOOD, "the kernel has stopped the client"
        assert memory(server) - before < BOUND
        seen = server.events.totals()
        assert seen.recv_bytes > RECV_BYTES
        if pattern not in BUFFERED:
            assert seen.recv_bytes > seen.send_bytes
        assert receive(client, sent) == stream(sent)
    server.events.drain()
    with server.connect() as another:  # whatever did not fit into the pipe is told with the next record
        ask(another, b"!")
        eventually(lambda: server.events.totals().bye == 1, "all is told")
    eventually(lambda: server.events.totals().bye == 2, "Bye")
    total = server.events.totals()
    assert total.recv_bytes == total.send_bytes == sent + RECV_BYTES + 1


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
        assert receive(deaf, sent) == stream(sent), "nothing was lost"
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
