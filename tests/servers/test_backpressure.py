"""A client that sends and never reads: the server stops reading from it, or buffers its echoes up to a ceiling."""

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
"""Bytes: far more than the ceiling and the kernel's buffers of both ends hold."""
BOUND = 16 * MIB
"""How much (bytes) a server may grow that buffers at most one message, or a small amount, for a client."""
STUCK = 1.0
"""Seconds without a successful send after which a client counts as stuck."""
BUFFERED = ("asyncio", "asyncio-blocking", "process-loops", "uvloop", "twisted")
"""Patterns whose sends go to the library's own buffer and are reported as sent."""
BOUNDED = [pattern for pattern in SERVING if pattern != "asyncio-naive"]
CHUNK = bytes(range(256)) * 256


def flood(server: Running, client: socket.socket, most: int = FLOOD) -> int:
    """Send without reading until the server stops reading; return the number of bytes sent."""
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
    """Return the bytes that a flood of this size consists of."""
    whole, rest = divmod(size, len(CHUNK))
    return CHUNK * whole + CHUNK[:rest]


def memory(server: Running) -> int:
    return max(worker.memory_info().rss for worker in server.workers())


def settled(server: Running) -> int:
    """Return the server's memory after it has served a client."""
    with server.connect() as first:
        ask(first, bytes(2**18))
    return memory(server)


@pytest.mark.parametrize(
    "pattern",
    seldom(
        BOUNDED, "multithread", "select-loop", "asyncio-streams", "trio",
    ),
)  # fmt: skip
def test_client_that_does_not_read_costs_no_memory(start: Starter, pattern: str) -> None:
    """The server stops reading from it; bytes already read are reported, and echoed in the end."""
    server = start(pattern, "--workers", "1")
    server.events.widen()
    with server.connect(receive_buffer=4096) as client:
        ask(client, b"x" * RECV_BYTES)
        before = memory(server)
        sent = flood(server, client)
        assert sent < FLOOD, "the client could send no more"
        assert memory(server) - before < BOUND
        seen = server.events.totals()
        assert seen.recv_bytes > RECV_BYTES
        if pattern not in BUFFERED:
            assert seen.recv_bytes > seen.send_bytes
        assert receive(client, sent) == stream(sent)
    server.events.drain()
    with server.connect() as another:  # records that did not fit into the pipe are counted in the next one
        ask(another, b"!")
        eventually(lambda: server.events.totals().bye == 1, "all records")
    eventually(lambda: server.events.totals().bye == 2, "Bye")
    total = server.events.totals()
    assert total.recv_bytes == total.send_bytes == sent + RECV_BYTES + 1


def test_naive_server_grows_to_its_ceiling_and_says_so(start: Starter) -> None:
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


@pytest.mark.slow
def test_ceiling_is_for_all_clients_together(start: Starter) -> None:
    server = start("asyncio-naive")
    before = settled(server)
    deaf = [server.connect() for _ in range(3)]
    for client in deaf:
        flood(server, client, FLOOD)
    eventually(lambda: len(server.events.of(Note)) == len(deaf), "a note for each client")
    assert memory(server) - before < CEILING + 2 * BOUND
    for client in deaf:
        client.close()
    with server.connect() as client:
        ask(client)
