"""The accept queue, against sockets that the test itself leaves in it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.observers.queue import AcceptQueue
from servers.report import address_name

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
    """Who waits, by a queue that nobody has looked at yet."""
    queued = AcceptQueue().sample(port)
    assert queued is not None
    return set(queued.peers)


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
    queue, port = AcceptQueue(), listener.getsockname()[1]
    began = time.monotonic()
    looks = sum(queue.sample(port) is not None for _ in range(1000))
    assert looks <= 1 + (time.monotonic() - began) / 0.2


def test_a_long_queue_comes_whole(listener: socket.socket) -> None:
    listener.listen(300)
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(200)]
        assert peers(listener.getsockname()[1]) == {name(client) for client in clients}
