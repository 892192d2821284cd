"""What waits in the kernel, against sockets that the test itself leaves waiting."""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.observers.sockets import Sockets
from app.session.observations import Socket, SocketSample
from servers.records import address_name

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux has sock_diag")


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family, host = request.param
    with socket.socket(family) as opened:
        try:
            opened.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        opened.listen()
        yield opened


def peers(port: int) -> set[str]:
    """Who waits to be accepted."""
    return {found.peer for found in seen(port).sockets if not found.accepted}


def seen(port: int) -> SocketSample:
    """A look by somebody who has not looked yet."""
    sample = Sockets().sample(port)
    assert sample is not None
    return sample


def name(client: socket.socket) -> str:
    host, port = client.getsockname()[:2]
    return address_name(host, port)


def test_who_waits_is_listed_until_accepted(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(3)]
        assert peers(port) == {name(client) for client in clients}
        served, address = listener.accept()
        with served:
            assert peers(port) == {name(client) for client in clients if client.getsockname()[1] != address[1]}
        clients[2].shutdown(socket.SHUT_WR)
        assert name(clients[2]) in peers(port), "it has said goodbye, and waits all the same"
    assert peers(port + 1 if port < 65535 else 1) == set()


def test_it_does_not_look_all_the_time(listener: socket.socket) -> None:
    sockets, port = Sockets(), listener.getsockname()[1]
    began = time.monotonic()
    looks = sum(sockets.sample(port) is not None for _ in range(1000))
    assert looks <= 1 + (time.monotonic() - began) / 0.2


def test_a_long_queue_comes_whole(listener: socket.socket) -> None:
    listener.listen(300)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(200)]
        assert peers(listener.getsockname()[1]) == {name(client) for client in clients}


def test_the_queue_has_a_length_and_a_limit(listener: socket.socket) -> None:
    listener.listen(7)
    port = listener.getsockname()[1]
    with ExitStack() as stack:
        for length in range(3):
            sample = seen(port)
            assert (sample.queue, sample.limit) == (length, 7)
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
    assert (seen(1).queue, seen(1).limit) == (None, None), "nobody listens there"


def test_bytes_that_nobody_has_read_and_bytes_that_find_no_room(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection(listener.getsockname()[:2]) as client, listener.accept()[0] as served:
        assert seen(port).sockets == [], "nothing waits"
        client.sendall(b"hogehoge\n")
        assert seen(port).sockets == [Socket(name(client), 9, 0, accepted=True)]
        assert served.recv(4)
        assert seen(port).sockets == [Socket(name(client), 5, 0, accepted=True)]
        assert served.recv(5)
        served.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += served.send(bytes(2**16))
        (stuck,) = seen(port).sockets
        assert 0 < stuck.unsent < sent, "the rest is in the client's buffer"


def test_an_ipv4_server_is_asked_for_ipv4_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        sample = Sockets().sample(listener.getsockname()[1], "127.0.0.1")
        assert sample
        assert len(sample.sockets) == 1
