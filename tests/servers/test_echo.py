"""Every byte is echoed in order, whatever clients do; a single server of each pattern passes all of these tests."""

import contextlib
import random
import socket

import pytest
from echo_servers.records import Bye, New, Recv, Send
from echo_servers.server import RECV_BYTES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.crossed import seldom
from tests.servers.harness import QUICK, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close, converse, has_ipv6, name, receive, reset

RESETS = 25
"""More resets than any pattern has workers."""

# Eventlet's recv reports a reset as an orderly end, and Twisted has its own name for it.
RESET_AS = {"eventlet": "", "eventlet-tpool": "", "twisted": "ConnectionLost"}
AWKWARD = {
    "every byte": bytes(range(256)),
    "NUL": b"\0" * 100,
    "invalid UTF-8": b"\xff\xfe\xc3(\xed\xa0\x80",
    "terminal escapes": b"\x1b]0;title\x07\x1b[2J\r\n",
    "one byte": b"x",
    "the buffer and one more": b"b" * (RECV_BYTES + 1),
    "much more than the buffer": random.Random(1).randbytes(300_000),
}


def test_awkward_payloads(server: Running) -> None:
    with server.connect() as client:
        for what, message in AWKWARD.items():
            assert converse(client, message) == message, what


def test_one_byte_at_a_time(server: Running) -> None:
    with server.connect() as client:
        for value in range(64):
            ask(client, bytes([value]))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(st.binary(min_size=1, max_size=3 * RECV_BYTES), min_size=1, max_size=8))
def test_any_messages(server: Running, messages: list[bytes]) -> None:
    with server.connect() as client:
        assert converse(client, b"".join(messages)) == b"".join(messages)
        for message in messages:
            ask(client, message)


def test_slow_reader_gets_everything(server: Running) -> None:
    """The server's sends are partial, because the client's buffer is small and it reads little at a time."""
    data = random.Random(2).randbytes(2_000_000)
    with server.connect(receive_buffer=4096) as client:
        assert converse(client, data, bite=5000) == data


def test_half_close_still_gets_the_rest(server: Running) -> None:
    data = random.Random(3).randbytes(200_000)
    with server.connect() as client:
        client.sendall(data[:10])
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 100) == data[:10]
    with server.connect(receive_buffer=4096) as client:
        client.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                sent += client.send(data[sent:])
        client.shutdown(socket.SHUT_WR)
        client.settimeout(20)
        assert receive(client, len(data)) == data[:sent]
        assert client.recv(1) == b""


def test_resets_of_idle_connections(server: Running) -> None:
    for _ in range(RESETS):
        client = server.connect()
        ask(client)
        reset(client)
    with server.connect() as client:
        ask(client)


def test_resets_right_after_a_message(server: Running) -> None:
    for _ in range(RESETS):
        client = server.connect()
        client.sendall(b"x" * 5000)
        reset(client)
    with server.connect() as client:
        ask(client)


def test_resets_during_a_send(server: Running) -> None:
    """The server is blocked in a send, because the client does not read, when the reset arrives."""
    for _ in range(RESETS):
        client = server.connect(receive_buffer=4096)
        ask(client)
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(100):
                client.send(b"x" * 100_000)
        reset(client)
    with server.connect() as client:
        ask(client)


def test_resets_in_the_accept_queue(server: Running) -> None:
    occupants = server.clients(20 if server.pattern == "process-thread-pool" else 10)
    for _ in range(RESETS):
        client = server.connect()
        client.sendall(b"anybody there?")
        reset(client)
    close(occupants)
    with server.connect() as client:
        ask(client)


def test_bye_reports_how_a_connection_ended(server: Running) -> None:
    server.events.drain()
    ends = {}
    for end in (socket.socket.close, reset):
        client = server.connect()
        ask(client)
        peer = name(client)
        end(client)
        ends[end] = eventually(lambda peer=peer: bye_of(server, peer), "Bye").error  # type: ignore[misc]
    assert ends == {socket.socket.close: "", reset: RESET_AS.get(server.pattern, "ConnectionResetError")}


def bye_of(server: Running, peer: str) -> Bye | None:
    connections = {(new.pid, new.conn) for new in server.events.of(New) if new.peer == peer}
    return next((bye for bye in server.events.of(Bye) if (bye.pid, bye.conn) in connections), None)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize("pattern", seldom(SERVING, *QUICK))
def test_ipv6(start: Starter, pattern: str) -> None:
    server = start(pattern, host="::1")
    server.events.widen()
    with server.connect() as client:
        assert converse(client, AWKWARD["much more than the buffer"]) == AWKWARD["much more than the buffer"]
        assert server.until(New)[0].peer == f"[::1]:{client.getsockname()[1]}"
    server.until(Bye)
    assert sum(record.size for record in server.events.of(Recv)) >= RECV_BYTES
    assert server.events.of(Send)
