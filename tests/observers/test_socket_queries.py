"""Connections that are queried one by one: how long they have waited, whose they are, and what was written."""

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack

import pytest
from echo_tui.model.evidence import Socket
from echo_tui.model.observations import SocketSample
from echo_tui.observers.sockets import Sockets

from tests.observers.samples import bare, name, seen
from tests.observers.watching import eventually

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux has sock_diag")


def test_how_long_bytes_and_a_connection_have_waited(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()[:2]) as early, listener.accept()[0]:
        early.sendall(b"x")
        sent = time.monotonic()
        with socket.create_connection(listener.getsockname()[:2]):
            time.sleep(0.2)
            waits = {found.accepted: found.idle for found in seen(listener).sockets}
            most = (time.monotonic() - sent) * 1000
    for idle in waits.values():
        assert idle is not None
        assert 190 <= idle <= most + 20, "the kernel counts in ticks of its own"


def test_a_wait_is_asked_for_once(listener: socket.socket) -> None:
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    with socket.create_connection((host, port)) as client, listener.accept()[0]:
        client.sendall(b"x")
        idles: list[int | None] = []
        while len(idles) < 3:
            if sample := sockets.sample(port, host):
                idles.append(sample.sockets[0].idle)
    assert idles[0] is not None
    assert idles[1:] == [None, None]
    sockets.close()


def test_whose_connection_an_inode_is(listener: socket.socket) -> None:
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    with socket.create_connection((host, port)) as client, listener.accept()[0] as served:
        sockets.sample(port, host)
        assert sockets.peer_of(os.fstat(served.fileno()).st_ino) == name(client)
        assert sockets.peer_of(0) == ""
    sockets.close()


def test_another_server_on_the_same_port_is_not_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)), socket.create_connection(("127.0.0.2", port)):
            assert seen(ours).sockets == []
            assert seen(ours).queue == 0
            wide = Sockets().sample(port, "0.0.0.0")
            assert wide
            assert (wide.queue, len(wide.sockets)) == (1, 1)


def test_an_error_that_passes_is_no_end(listener: socket.socket) -> None:
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        nothing = sockets.sample(port, host)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert nothing is None, "unknown is not nothing"
    assert sockets.missing == ""
    eventually(lambda: (found := sockets.sample(port, host)) is not None and found.queue == 0, "it looks again")
    sockets.close()


@pytest.mark.skipif(not shutil.which("ss"), reason="there is no ss to compare with")
def test_it_says_what_ss_says(listener: socket.socket) -> None:
    with ExitStack() as stack:
        host, port = listener.getsockname()[:2]
        for number in range(6):
            client = stack.enter_context(socket.create_connection((host, port)))
            client.sendall(b"x" * number)
            if number % 2:
                stack.enter_context(listener.accept()[0])
        said = subprocess.run(
            ["ss", "-Htan", f"sport = :{port}"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
        rows = [line.split() for line in said.splitlines()]
        sample = seen(listener)
        assert [(int(row[1]), int(row[2])) for row in rows if row[0] == "LISTEN"] == [(sample.queue, sample.limit)]
        unread = {row[4]: int(row[1]) for row in rows if row[0] == "ESTAB" and int(row[1])}
        assert {found.peer: found.unread for found in sample.sockets if found.unread} == unread


def test_those_that_are_known_are_asked_for_one_by_one(listener: socket.socket) -> None:
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, port))) for _ in range(3)]
        served = [stack.enter_context(listener.accept()[0]) for _ in range(3)]
        known = [*map(name, clients), "?", "not an address", f"{host}:1"]

        def look() -> SocketSample:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, known)
            assert sample
            return sample

        assert look().sockets == [], "at first the whole table is walked"
        clients[1].sendall(b"four")
        sample = look()
        assert bare(sample) == [(known[1], 4, 0, True)]
        assert sample.sockets[0].idle is not None
        assert (sample.queue, sample.limit) == (0, 128)
        assert sockets.peer_of(os.fstat(served[2].fileno()).st_ino) == known[2]
        for closed in (clients.pop(1), served.pop(1)):
            closed.close()
        assert look().sockets == [], "it is gone, and the listening socket is no answer for it"
        external = stack.enter_context(socket.create_connection((host, port)))
        assert bare(look()) == [(name(external), 0, 0, False)], "somebody is in the queue: who, tells the whole table"
    sockets.close()


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_where_a_server_listens_on_all_addresses_those_that_are_wanted_are_told_too(
    family: socket.AddressFamily, host: str
) -> None:
    with ExitStack() as stack:
        opened = stack.enter_context(socket.socket(family))
        try:
            opened.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        opened.listen()
        port = opened.getsockname()[1]
        near = "127.0.0.1" if family == socket.AF_INET else "::1"
        client = stack.enter_context(socket.create_connection((near, port)))
        served = stack.enter_context(opened.accept()[0])
        sockets, peer = Sockets(), name(client)

        def look() -> list[tuple[str, int, bool, int | None]]:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, None, [peer, f"{near}:1"])
            assert sample
            return [(found.peer, found.unread, found.accepted, found.received) for found in sample.sockets]

        assert look() == [(peer, 0, True, 0)], "nothing waits in it"
        client.sendall(b"four")
        assert served.recv(4)
        assert look() == [(peer, 0, True, 4)]
        served.close()
        client.close()
        eventually(lambda: look() == [], "it is gone")
        sockets.close()


def test_what_is_no_socket_is_nobodys_connection(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one in the queue, who has no inode yet, was asked for by name."""
    monkeypatch.setattr("echo_tui.observers.sockets.MANY", 10)
    sockets, (host, port) = Sockets(), listener.getsockname()[:2]
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection((host, port)))
            stack.enter_context(listener.accept()[0])
        sockets.sample(port, host)
        monkeypatch.setattr(sockets._halves, "_middle", 65535)  # whoever comes is in the half that is not looked at
        external = stack.enter_context(socket.create_connection((host, port)))
        sockets.pace.hurry()
        sample = sockets.sample(port, host, None, [name(external)])
        assert sample
        assert bare(sample) == [(name(external), 0, 0, False)]
        assert sockets.peer_of(0) == ""
    sockets.close()


def test_strangers_are_looked_for_also_where_nothing_waits_in_them(listener: socket.socket) -> None:
    """They are accepted and silent, and the server has not come to speak of them."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(3)]
        for _ in clients:
            stack.enter_context(listener.accept()[0])
        host, port = listener.getsockname()[:2]
        sockets = Sockets()
        stack.callback(sockets.close)
        for known in range(4):
            sockets.pace.hurry()
            sample = sockets.sample(port, host, others_than={name(client) for client in clients[:known]})
            assert sample
            told = sorted(bare(sample))
            assert told == sorted((name(client), 0, 0, True) for client in clients[known:])
        assert bare(seen(listener)) == []


def test_what_the_server_has_written_is_told_whether_it_is_on_its_way_or_not(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    sockets = Sockets()
    with socket.create_connection((host, port)) as client, listener.accept()[0] as served:

        def figures() -> Socket:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, [name(client)], [name(client)])
            assert sample
            (found,) = sample.sockets
            return found

        client.sendall(b"hogehoge\n")
        figures()  # the whole table; from then on one by one
        assert (figures().received, figures().written) == (9, 0)
        served.sendall(served.recv(100))
        assert figures().written == 9
        served.setblocking(False)
        more = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                more += served.send(bytes(1 << 16))
        stuck = figures()
        assert stuck.unsent
        assert (stuck.received, stuck.written) == (9, 9 + more)
        assert stuck.silent is not None
    sockets.close()
