"""Queued connections and unread bytes, compared with sockets that the test itself leaves waiting."""

import contextlib
import errno
import os
import socket
import time
from contextlib import ExitStack

import pytest
from echo_tui.observers.sock_diag import Diag
from echo_tui.observers.sockets import SocketSampler

from tests.observers.samples import bare, name, peers, seen

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux has sock_diag")


def test_queued_clients_are_listed_until_accepted(listener: socket.socket) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(3)]
        assert peers(listener) == {name(client) for client in clients}
        served, address = listener.accept()
        with served:
            assert peers(listener) == {name(client) for client in clients if client.getsockname()[1] != address[1]}
        clients[2].shutdown(socket.SHUT_WR)
        assert name(clients[2]) in peers(listener), "still queued after its half-close"


def test_sampling_rate_is_limited(listener: socket.socket) -> None:
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    began = time.monotonic()
    samples = sum(sockets.sample(port, host) is not None for _ in range(1000))
    assert samples <= 1 + (time.monotonic() - began) / 0.05
    sockets.close()


def test_long_queue_is_complete(listener: socket.socket) -> None:
    listener.listen(300)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(200)]
        assert peers(listener) == {name(client) for client in clients}


def test_only_the_waiting_connection_of_many_is_sampled(listener: socket.socket) -> None:
    listener.listen(300)
    with ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
            stack.enter_context(listener.accept()[0])
            if _ == 150:
                client.sendall(b"four")
                waiting = name(client)
        assert bare(seen(listener)) == [(waiting, 4, 0, True)]


def test_connections_are_sampled_by_halves(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait is seen within two samples, in every sample while it lasts, and once in each."""
    monkeypatch.setattr("echo_tui.observers.sockets.MANY", 10)
    monkeypatch.setattr("echo_tui.observers.sockets.AFRESH", 7)
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    asked: list[int] = []
    whole = Diag.connections

    def counted(self: Diag, family: int, port: int, test: int = 0, peer_port: int = 0) -> list[bytes]:
        asked.append(test)
        return whole(self, family, port, test, peer_port)

    monkeypatch.setattr(Diag, "connections", counted)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, port))) for _ in range(40)]
        served = [stack.enter_context(listener.accept()[0]) for _ in range(40)]

        def sampled() -> list[tuple[str, int, int, bool]]:
            sockets.pace.hurry()
            sample = sockets.sample(port, host)
            assert sample
            return sorted(bare(sample))

        assert sampled() == []
        sent: list[str] = []
        for client in (clients[3], clients[20], clients[37]):
            client.sendall(b"four")
            sampled()
            sent.append(name(client))
            for _ in range(10):
                assert sampled() == sorted((peer, 4, 0, True) for peer in sent)
        assert served[20].recv(4)
        sampled()
        assert name(clients[20]) not in {peer for peer, *_ in sampled()}
        assert {sockets.peer_of(os.fstat(s.fileno()).st_ino) for s in served} == set(map(name, clients))
        external = stack.enter_context(socket.create_connection((host, port)))
        sampled()
        assert (name(external), 0, 0, False) in sampled()
        assert asked.count(0) < len(asked) / 3, "the whole table is read rarely"
    sockets.close()


def test_queue_has_a_length_and_a_limit(listener: socket.socket) -> None:
    listener.listen(7)
    with ExitStack() as stack:
        for length in range(3):
            sample = seen(listener)
            assert (sample.queue, sample.limit, sample.dropped, sample.unanswered) == (length, 7, 0, [])
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))


def test_full_queue_counts_drops_and_names_unanswered_clients(listener: socket.socket) -> None:
    listener.listen(1)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
        knocking = stack.enter_context(socket.socket(listener.family))
        knocking.setblocking(False)
        assert knocking.connect_ex(listener.getsockname()[:2]) == errno.EINPROGRESS
        sample = seen(listener)
        assert (sample.queue, sample.limit) == (2, 1), "Linux queues one more than the backlog"
        assert sample.dropped == 1
        assert sample.unanswered == [name(knocking)]


def test_port_without_a_listener() -> None:
    sample = SocketSampler().sample(1, "127.0.0.1")
    assert sample
    assert (sample.queue, sample.limit, sample.dropped, sample.sockets) == (None, None, None, [])


def test_unread_and_unsent_bytes(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()[:2]) as client, listener.accept()[0] as served:
        assert seen(listener).sockets == [], "nothing waits"
        client.sendall(b"hogehoge\n")
        assert bare(seen(listener)) == [(name(client), 9, 0, True)]
        assert served.recv(4)
        assert bare(seen(listener)) == [(name(client), 5, 0, True)]
        assert served.recv(5)
        served.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += served.send(bytes(2**16))
        (stuck,) = seen(listener).sockets
        assert 0 < stuck.unsent < sent, "the rest is in the client's receive buffer"


@pytest.mark.parametrize("sent", [b"", b"hogehoge\n"])
def test_fin_is_not_counted_as_a_byte(listener: socket.socket, sent: bytes) -> None:
    """The kernel counts an unread FIN as one more byte."""
    host, port = listener.getsockname()[:2]
    with socket.create_connection((host, port)) as client, listener.accept()[0] as served:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        expected = [(name(client), len(sent), 0, True)] if sent else []
        assert bare(seen(listener)) == expected
        sockets = SocketSampler()

        def asked_for() -> list[tuple[int, int | None]]:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, [name(client)], [name(client)])
            assert sample
            return [(found.unread, found.received) for found in sample.sockets]

        asked_for()  # reads the whole table; later samples query single connections
        assert asked_for() == [(len(sent), len(sent))]
        while served.recv(100):
            pass
        assert asked_for() == [(0, len(sent))]
        sockets.close()
    with socket.create_connection((host, port)) as client:
        client.shutdown(socket.SHUT_WR)
        assert bare(seen(listener)) == [(name(client), 0, 0, False)], "not accepted yet"
