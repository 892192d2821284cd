"""What waits in the kernel, against sockets that the test itself leaves waiting."""

import contextlib
import errno
import os
import socket
import time
from contextlib import ExitStack

import pytest
from echo_tui.observers.sock_diag import Diag
from echo_tui.observers.sockets import Sockets

from tests.observers.samples import bare, name, peers, seen

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux has sock_diag")


def test_who_waits_is_listed_until_accepted(listener: socket.socket) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(3)]
        assert peers(listener) == {name(client) for client in clients}
        served, address = listener.accept()
        with served:
            assert peers(listener) == {name(client) for client in clients if client.getsockname()[1] != address[1]}
        clients[2].shutdown(socket.SHUT_WR)
        assert name(clients[2]) in peers(listener), "it has said goodbye, and waits all the same"


def test_it_does_not_look_all_the_time(listener: socket.socket) -> None:
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    began = time.monotonic()
    looks = sum(sockets.sample(port, host) is not None for _ in range(1000))
    assert looks <= 1 + (time.monotonic() - began) / 0.05
    sockets.close()


def test_a_long_queue_comes_whole(listener: socket.socket) -> None:
    listener.listen(300)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(200)]
        assert peers(listener) == {name(client) for client in clients}


def test_many_connections_and_one_that_waits(listener: socket.socket) -> None:
    listener.listen(300)
    with ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
            stack.enter_context(listener.accept()[0])
            if _ == 150:
                client.sendall(b"four")
                waiting = name(client)
        assert bare(seen(listener)) == [(waiting, 4, 0, True)]


def test_of_very_many_half_are_looked_at_each_time(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits is seen within two looks, for as long as it waits, and once; and what does not is not."""
    monkeypatch.setattr("echo_tui.observers.sockets.MANY", 10)
    monkeypatch.setattr("echo_tui.observers.sockets.AFRESH", 7)
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    asked: list[int] = []
    whole = Diag.connections

    def counted(self: Diag, family: int, port: int, test: int = 0, peer_port: int = 0) -> list[bytes]:
        asked.append(test)
        return whole(self, family, port, test, peer_port)

    monkeypatch.setattr(Diag, "connections", counted)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, port))) for _ in range(40)]
        served = [stack.enter_context(listener.accept()[0]) for _ in range(40)]

        def look() -> list[tuple[str, int, int, bool]]:
            sockets.pace.hurry()
            sample = sockets.sample(port, host)
            assert sample
            return sorted(bare(sample))

        assert look() == []
        sent: list[str] = []
        for client in (clients[3], clients[20], clients[37]):
            client.sendall(b"four")
            look()
            sent.append(name(client))
            for _ in range(10):
                assert look() == sorted((peer, 4, 0, True) for peer in sent)
        assert served[20].recv(4)
        look()
        assert name(clients[20]) not in {peer for peer, *_ in look()}
        assert {sockets.peer_of(os.fstat(s.fileno()).st_ino) for s in served} == set(map(name, clients))
        external = stack.enter_context(socket.create_connection((host, port)))
        look()
        assert (name(external), 0, 0, False) in look()
        assert asked.count(0) < len(asked) / 3, "seldom all of them"
    sockets.close()


def test_the_queue_has_a_length_and_a_limit(listener: socket.socket) -> None:
    listener.listen(7)
    with ExitStack() as stack:
        for length in range(3):
            sample = seen(listener)
            assert (sample.queue, sample.limit, sample.dropped, sample.unanswered) == (length, 7, 0, [])
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))


def test_a_full_queue_drops_clients_and_says_who_still_knocks(listener: socket.socket) -> None:
    listener.listen(1)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
        knocking = stack.enter_context(socket.socket(listener.family))
        knocking.setblocking(False)
        assert knocking.connect_ex(listener.getsockname()[:2]) == errno.EINPROGRESS
        sample = seen(listener)
        assert (sample.queue, sample.limit) == (2, 1), "the queue tops out at its limit and one"
        assert sample.dropped == 1
        assert sample.unanswered == [name(knocking)]


def test_nobody_listens() -> None:
    sample = Sockets().sample(1, "127.0.0.1")
    assert sample
    assert (sample.queue, sample.limit, sample.dropped, sample.sockets) == (None, None, None, [])


def test_bytes_that_nobody_has_read_and_bytes_that_find_no_room(listener: socket.socket) -> None:
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
        assert 0 < stuck.unsent < sent, "the rest is in the client's buffer"


@pytest.mark.parametrize("sent", [b"", b"hogehoge\n"])
def test_a_goodbye_is_no_byte(listener: socket.socket, sent: bytes) -> None:
    """The kernel counts a FIN that nobody has read as one more byte."""
    host, port = listener.getsockname()[:2]
    with socket.create_connection((host, port)) as client, listener.accept()[0] as served:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        expected = [(name(client), len(sent), 0, True)] if sent else []
        assert bare(seen(listener)) == expected
        sockets = Sockets()

        def asked_for() -> list[tuple[int, int | None]]:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, [name(client)], [name(client)])
            assert sample
            return [(found.unread, found.received) for found in sample.sockets]

        asked_for()  # the whole table; from then on one by one
        assert asked_for() == [(len(sent), len(sent))]
        while served.recv(100):
            pass
        assert asked_for() == [(0, len(sent))]
        sockets.close()
    with socket.create_connection((host, port)) as client:
        client.shutdown(socket.SHUT_WR)
        assert bare(seen(listener)) == [(name(client), 0, 0, False)], "it is still to be accepted"
