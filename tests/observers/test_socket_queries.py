"""Single connections: how long they have waited, which client they belong to, and how many bytes were written."""

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
from echo_tui.observers.sockets import SocketSampler

from tests.observers.samples import bare, name, seen
from tests.observers.watching import eventually

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux has sock_diag")


def test_wait_times_of_bytes_and_of_a_queued_connection(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()[:2]) as early, listener.accept()[0]:
        early.sendall(b"x")
        sent = time.monotonic()
        with socket.create_connection(listener.getsockname()[:2]):
            time.sleep(0.2)
            waits = {found.accepted: found.idle for found in seen(listener).sockets}
            most = (time.monotonic() - sent) * 1000
    for idle in waits.values():
        assert idle is not None
        assert 190 <= idle <= most + 20, "the kernel counts in ticks"


def test_wait_time_is_queried_once(listener: socket.socket) -> None:
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    with socket.create_connection((host, port)) as client, listener.accept()[0]:
        client.sendall(b"x")
        idles: list[int | None] = []
        while len(idles) < 3:
            if sample := sockets.sample(port, host):
                idles.append(sample.sockets[0].idle)
    assert idles[0] is not None
    assert idles[1:] == [None, None]
    sockets.close()


def test_peer_of_an_inode(listener: socket.socket) -> None:
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    with socket.create_connection((host, port)) as client, listener.accept()[0] as served:
        sockets.sample(port, host)
        assert sockets.peer_of(os.fstat(served.fileno()).st_ino) == name(client)
        assert sockets.peer_of(0) == ""
    sockets.close()


def test_other_server_on_the_same_port_is_ignored() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)), socket.create_connection(("127.0.0.2", port)):
            assert seen(ours).sockets == []
            assert seen(ours).queue == 0
            wide = SocketSampler().sample(port, "0.0.0.0")
            assert wide
            assert (wide.queue, len(wide.sockets)) == (1, 1)


def test_temporary_error_does_not_end_sampling(listener: socket.socket) -> None:
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        nothing = sockets.sample(port, host)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert nothing is None, "unknown is not empty"
    assert sockets.missing == ""
    eventually(lambda: (found := sockets.sample(port, host)) is not None and found.queue == 0, "the next sample")
    sockets.close()


@pytest.mark.skipif(not shutil.which("ss"), reason="there is no ss to compare with")
def test_sample_matches_ss(listener: socket.socket) -> None:
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


def test_known_connections_are_queried_singly(listener: socket.socket) -> None:
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((host, port))) for _ in range(3)]
        served = [stack.enter_context(listener.accept()[0]) for _ in range(3)]
        known = [*map(name, clients), "?", "not an address", f"{host}:1"]

        def sampled() -> SocketSample:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, known)
            assert sample
            return sample

        assert sampled().sockets == [], "the first sample reads the whole table"
        clients[1].sendall(b"four")
        sample = sampled()
        assert bare(sample) == [(known[1], 4, 0, True)]
        assert sample.sockets[0].idle is not None
        assert (sample.queue, sample.limit) == (0, 128)
        assert sockets.peer_of(os.fstat(served[2].fileno()).st_ino) == known[2]
        for closed in (clients.pop(1), served.pop(1)):
            closed.close()
        assert sampled().sockets == [], "closed; the listening socket does not count"
        external = stack.enter_context(socket.create_connection((host, port)))
        assert bare(sampled()) == [(name(external), 0, 0, False)], "for a queued client the whole table is read"
    sockets.close()


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_wanted_connections_of_a_wildcard_address(family: socket.AddressFamily, host: str) -> None:
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
        sockets, peer = SocketSampler(), name(client)

        def sampled() -> list[tuple[str, int, bool, int | None]]:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, None, [peer, f"{near}:1"])
            assert sample
            return [(found.peer, found.unread, found.accepted, found.received) for found in sample.sockets]

        assert sampled() == [(peer, 0, True, 0)], "nothing waits"
        client.sendall(b"four")
        assert served.recv(4)
        assert sampled() == [(peer, 0, True, 4)]
        served.close()
        client.close()
        eventually(lambda: sampled() == [], "the connection is gone")
        sockets.close()


def test_inode_zero_has_no_peer(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even after a queued connection, which has no inode yet, was queried by its peer."""
    monkeypatch.setattr("echo_tui.observers.sockets.MANY", 10)
    sockets, (host, port) = SocketSampler(), listener.getsockname()[:2]
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection((host, port)))
            stack.enter_context(listener.accept()[0])
        sockets.sample(port, host)
        monkeypatch.setattr(sockets._halves, "_middle", 65535)  # the half of the ports that is not sampled
        external = stack.enter_context(socket.create_connection((host, port)))
        sockets.pace.hurry()
        sample = sockets.sample(port, host, None, [name(external)])
        assert sample
        assert bare(sample) == [(name(external), 0, 0, False)]
        assert sockets.peer_of(0) == ""
    sockets.close()


def test_unreported_connections_are_sampled_when_idle(listener: socket.socket) -> None:
    """The connections are accepted and silent, and the server has not reported them yet."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(listener.getsockname()[:2])) for _ in range(3)]
        for _ in clients:
            stack.enter_context(listener.accept()[0])
        host, port = listener.getsockname()[:2]
        sockets = SocketSampler()
        stack.callback(sockets.close)
        for known in range(4):
            sockets.pace.hurry()
            sample = sockets.sample(port, host, others_than={name(client) for client in clients[:known]})
            assert sample
            told = sorted(bare(sample))
            assert told == sorted((name(client), 0, 0, True) for client in clients[known:])
        assert bare(seen(listener)) == []


def test_written_bytes_include_unsent_ones(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    sockets = SocketSampler()
    with socket.create_connection((host, port)) as client, listener.accept()[0] as served:

        def figures() -> Socket:
            sockets.pace.hurry()
            sample = sockets.sample(port, host, [name(client)], [name(client)])
            assert sample
            (found,) = sample.sockets
            return found

        client.sendall(b"hogehoge\n")
        figures()  # reads the whole table; later samples query single connections
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
