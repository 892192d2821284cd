"""What a turn of a select, poll and epoll loop costs with a growing number of idle clients."""

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from echo_servers.server import Options
from echo_tui.observers.child import Child

from tests.bench.figures import DidNotWork, Effort, Figure, Section
from tests.bench.load import One, connect
from tests.bench.machine import HOST, awake, cpu_seconds
from tests.ports import free_port

TITLE = "A turn of the loop, by how many clients are silent beside the one that talks"
LOOPS = ("select-loop", "poll-loop", "epoll-loop")
SILENT = (10, 100, 500, 1000)
"""Up to what select can serve: its sets have room for 1,024 descriptors."""
AT_ONCE = 100
"""Clients that connect before one must be served, limited by the accept queue."""


def measure(effort: Effort) -> Section:
    """Measure the server's CPU time per echo, which is that of one turn with one client ready."""
    section = Section(TITLE)
    spent: dict[tuple[str, int], list[float]] = {}
    with awake():
        for _ in range(effort.rounds):
            for pattern in LOOPS:
                try:
                    for count, cost in _grown(pattern, effort):
                        spent.setdefault((pattern, count), []).append(cost)
                except (DidNotWork, OSError) as failure:
                    section.failures.append(f"{pattern}: {failure}")
    for (pattern, count), costs in spent.items():
        least = statistics.median(spent[pattern, SILENT[0]])
        note = "" if count == SILENT[0] else f"{statistics.median(costs) / least:.1f} times that with {SILENT[0]}"
        section.add(Figure(f"{pattern}, {count:,} silent clients", "us", costs, note=note))
    return section


def _grown(pattern: str, effort: Effort) -> Iterator[tuple[int, float]]:
    """Add idle clients to a server step by step; yield their number and the microseconds per echo of another one."""
    with _server(pattern) as (child, port):
        talker = One(connect(port))
        silent: list[socket.socket] = []
        try:
            for count in SILENT:
                while len(silent) < count:
                    silent += [connect(port) for _ in range(min(AT_ONCE, count - len(silent)))]
                    _is_served(silent[-1])
                yield count, _cost(talker, child.pid, effort.seconds(0.3, 0.15))
        finally:
            for client in silent:
                client.close()


def _cost(talker: One, pid: int, seconds: float) -> float:
    talker.run(time.monotonic() + seconds / 5)
    echoes, used = talker.echoes[0], cpu_seconds(pid)
    talker.run(time.monotonic() + seconds)
    return (cpu_seconds(pid) - used) / (talker.echoes[0] - echoes) * 1e6


def _is_served(client: socket.socket) -> None:
    """Wait until the last of several clients is served, so that all before it are accepted."""
    client.send(b"x")
    if client.recv(1) != b"x":
        raise DidNotWork("a client was turned away")


@contextmanager
def _server(pattern: str) -> Iterator[tuple[Child, int]]:
    """Run a server with reporting off."""
    port = free_port()
    child = Child(pattern, Options(HOST, port), report=False)
    try:
        yield child, port
    finally:
        child.stop()
