"""The load generator: `python -m tests.bench.load`, clients with one message each in flight, as fast as echoes arrive.

Several servers are measured in turn, in short slices, so that changes of the machine affect all of them alike. It
prints JSON: for each server the echoes in each slice, and the CPU time of the server and of the load generator.
"""

import argparse
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable

from tests.bench.machine import HOST, cpu_seconds, family

SIZE = 64
MESSAGE = b"e" * (SIZE - 1) + b"\n"
PATIENCE = 10.0
"""Seconds to wait for a server to start."""
WARM_UP = 0.1
SETTLE = 0.01
"""Seconds for a stopped server to resume before its slice begins."""
ECHOES_A_LOOK = 16
"""Echoes of a single client between two reads of the clock."""


def connect(port: int) -> socket.socket:
    """Connect as soon as the server listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client = socket.create_connection((HOST, port), PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setblocking(True)
            return client


class One:
    """A single client that makes two system calls per echo."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self.echoes = {0: 0}

    def run(self, until: float) -> None:
        """Send and receive until then (monotonic seconds)."""
        send, recv, now = self._client.send, self._client.recv, time.monotonic
        while now() < until:
            for _ in range(ECHOES_A_LOOK):
                send(MESSAGE)
                due = SIZE
                while due:
                    due -= _size(recv(SIZE))
            self.echoes[0] += ECHOES_A_LOOK


class Many:
    """Several clients in one loop; a client that is not served waits for its first echo."""

    MESSAGE, SIZE = MESSAGE, SIZE
    """What each client sends, and the length of the reply."""

    def __init__(self, clients: list[socket.socket]) -> None:
        self._ends: dict[int, tuple[Callable[[bytes], int], Callable[[int], bytes]]] = {}
        self._due = {client.fileno(): self.SIZE for client in clients}
        self.echoes = {client.fileno(): 0 for client in clients}
        # Both have the same methods; only the unit of a timeout differs, and no timeout is used.
        self._poller = select.epoll() if hasattr(select, "epoll") else select.poll()
        for client in clients:
            self._poller.register(client.fileno(), select.POLLIN)
            self._ends[client.fileno()] = (client.send, client.recv)
            client.send(self.MESSAGE)

    def run(self, until: float) -> None:
        """Answer each echo with the next message until then (monotonic seconds)."""
        ends, due, echoes, poll, now = self._ends, self._due, self.echoes, self._poller.poll, time.monotonic
        message, size = self.MESSAGE, self.SIZE
        while now() < until:
            for fd, _ in poll():
                send, recv = ends[fd]
                due[fd] -= _size(recv(size))
                if not due[fd]:
                    due[fd] = size
                    echoes[fd] += 1
                    send(message)


def _size(data: bytes) -> int:
    if not data:
        raise SystemExit("the server has closed a connection")
    return len(data)


class Target:
    """One of the compared servers, which is stopped (SIGSTOP) while another one is measured."""

    def __init__(self, port: int, pid: int, clients: int) -> None:
        self.pid = pid
        ends = [connect(port) for _ in range(clients)]
        self.load: One | Many = One(ends[0]) if clients == 1 else Many(ends)
        self.load.run(time.monotonic() + WARM_UP)
        self.processes = family(pid)
        self.go_on(False)

    def go_on(self, running: bool) -> None:
        """Continue or stop the server with all its workers."""
        os.killpg(self.pid, signal.SIGCONT if running else signal.SIGSTOP)

    def slice(self, seconds: float) -> dict[str, float]:
        """Measure for this many seconds."""
        self.go_on(True)
        self.load.run(time.monotonic() + SETTLE)
        before = dict(self.load.echoes)
        begun, used, own = time.monotonic(), self._used(), time.process_time()
        self.load.run(begun + seconds)
        elapsed, used, own = time.monotonic() - begun, self._used() - used, time.process_time() - own
        self.go_on(False)
        echoes = [count - before[fd] for fd, count in self.load.echoes.items()]
        return {
            "echoes": sum(echoes),
            "served": sum(map(bool, echoes)),
            "seconds": elapsed,
            "server_cpu": used,
            "load_cpu": own,
        }

    def _used(self) -> float:
        return sum(map(cpu_seconds, self.processes))


def main() -> None:
    """Connect to all servers, measure them in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="PORT:PID", help="a server, by its port and first process")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--slices", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="length of a slice")
    arguments = parser.parse_args()
    servers = [tuple(map(int, server.split(":"))) for server in arguments.servers]
    # A server that hangs must not hang the benchmark.
    signal.alarm(int(2 * PATIENCE + arguments.slices * len(servers) * 2 * (arguments.seconds + SETTLE)))
    targets: list[Target] = []
    try:
        targets += [Target(port, pid, arguments.clients) for port, pid in servers]
        told: list[list[dict[str, float]]] = [[] for _ in targets]
        for turn in range(arguments.slices):
            # Alternate the order, so that drift affects all servers alike.
            for index in range(len(targets)) if turn % 2 == 0 else reversed(range(len(targets))):
                told[index].append(targets[index].slice(arguments.seconds))
    finally:
        for target in targets:
            target.go_on(True)
    print(
        json.dumps(
            [{"slices": slices, "total": sum(t.load.echoes.values())} for t, slices in zip(targets, told, strict=True)]
        )
    )


if __name__ == "__main__":
    main()
