"""Echoes that are counted, not listed: exact to the byte for every pattern, however a connection or server ends."""

import signal
import socket
import threading
from pathlib import Path

import psutil
import pytest
from echo_servers.counters import FIRST_GRANT
from echo_servers.records import Bye, Echo, Send
from echo_tui.model.connection import Connection
from echo_tui.model.event_log import Unlisted
from echo_tui.model.observations import Counts, Observation
from echo_tui.observers import counters
from echo_tui.session.session import Session

from tests.crossed import seldom
from tests.observers.watching import Watched, eventually, watched
from tests.servers.harness import DIFFERENT, ONE_AT_A_TIME, SERVING

MOST = 200_000
"""The most echoes that a client asks for."""


class Client(threading.Thread):
    """Sends messages of 1 to 99 bytes, each after the echo of the previous one, until `over` is set."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self.sock, self.name_of_it = sock, "{}:{}".format(*sock.getsockname())
        self.echoes = self.size = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set() and self.echoes < MOST:
            size = self.echoes % 99 + 1
            self.sock.sendall(b"x" * size)
            while size:
                size -= (got := len(self.sock.recv(size)))
                self.size += got
            self.echoes += 1


class Seen:
    """A server's child, read and folded into a session as in a live run."""

    def __init__(self, server: Watched) -> None:
        self.server = server
        self.session = Session()
        self.found: list[Observation] = []

    def update(self) -> Session:
        """Read and fold what is available; return the session."""
        self.fold([*self.server.child.read(), *self.server.child.counts()])
        return self.session

    def fold(self, found: list[Observation]) -> None:
        self.session.apply_all(found)
        self.found += found

    def connection(self, peer: str) -> Connection:
        return next(c for c in self.session.connections.values() if c.peer == peer)


def saturate(seen: Seen, clients: list[Client], until: int) -> None:
    """Let all clients talk until this many echoes are unlisted, read as often as in a live run."""
    for client in clients:
        client.start()
    eventually(lambda: seen.update() and unlisted(seen) > until, f"{until} unlisted echoes")
    for client in clients:
        client.over.set()
        client.join()


def rests(process: psutil.Process) -> bool:
    """Return whether no thread of a process runs or is about to."""
    stats = Path(f"/proc/{process.pid}/task").glob("*/stat")
    return "R" not in {stat.read_text().rpartition(")")[2].split()[0] for stat in stats}


def unlisted(seen: Seen) -> int:
    return sum(row[1] for o in seen.found if isinstance(o, Counts) for row in o.rows)


@pytest.mark.parametrize("pattern", seldom(SERVING, *DIFFERENT))
def test_saturated_server_is_counted_to_the_byte(pattern: str) -> None:
    with watched(pattern, workers=3) as server:
        seen = Seen(server)
        clients = [Client(sock) for sock in server.connect(1 if pattern in ONE_AT_A_TIME else 3)]
        seen.fold(server.seen)
        saturate(seen, clients, until=1000)
        total = sum(client.echoes for client in clients)
        eventually(lambda: seen.update().totals.send >= total, "all are counted")
        for client in clients:
            connection = seen.connection(client.name_of_it)
            assert (connection.recv, connection.send) == (client.echoes, client.echoes)
            assert (connection.recv_bytes, connection.send_bytes) == (client.size, client.size)
        totals = seen.session.totals
        assert (totals.recv, totals.send, totals.lost) == (total, total, 0)
        assert totals.recv_bytes == totals.send_bytes == sum(client.size for client in clients)
        listed = sum(isinstance(o, Echo | Send) for o in seen.found)
        assert listed + unlisted(seen) == total
        lines = list(seen.session.log.slice(0, seen.session.log.total))
        assert sum(entry.echoes for entry, _ in lines if isinstance(entry, Unlisted)) == unlisted(seen)


def test_connections_between_two_readings_are_counted() -> None:
    with watched("multithread") as server:
        seen = Seen(server)
        for number in range(1, 4):
            (sock,) = server.connect()
            for _ in range(FIRST_GRANT):
                sock.sendall(b"12345")
                left = 5
                while left:
                    left -= len(sock.recv(left))
            sock.close()
            server.until(Bye, number)
        seen.fold(server.seen)
        assert seen.session.totals.send == 3 * FIRST_GRANT
        assert seen.session.totals.send_bytes == 15 * FIRST_GRANT
        assert unlisted(seen) == 2 * FIRST_GRANT


@pytest.mark.parametrize("pattern", ["asyncio", "multithread", "process-pool"])
def test_killed_server_is_counted_to_its_last_echo(pattern: str) -> None:
    with watched(pattern, workers=3) as server:
        seen = Seen(server)
        clients = [Client(sock) for sock in server.connect(3)]
        seen.fold(server.seen)
        saturate(seen, clients, until=1000)
        eventually(lambda: all(map(rests, server.members())), "the last echo is counted, which follows its sending")
        for member in server.members():
            member.send_signal(signal.SIGKILL)
        eventually(lambda: not server.child.running, "its end")
        seen.fold(server.child.stop())
        assert seen.session.totals.send == sum(client.echoes for client in clients)


def test_every_echo_of_a_quiet_server_is_listed() -> None:
    with watched("asyncio") as server:
        seen = Seen(server)
        (sock,) = server.connect()
        for _ in range(FIRST_GRANT // 2):
            sock.sendall(b"x")
            sock.recv(1)
        seen.fold(server.seen)
        eventually(lambda: seen.update().totals.send == FIRST_GRANT // 2, "all")
        assert not unlisted(seen)


def test_everything_is_listed_without_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(counters, "_file", fails)
    with watched("asyncio") as server:
        (sock,) = server.connect()
        for _ in range(2 * FIRST_GRANT):
            sock.sendall(b"x")
            sock.recv(1)
        server.until(Echo, 2 * FIRST_GRANT)
