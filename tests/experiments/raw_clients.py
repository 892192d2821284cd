"""The measurement of a cell without our client code: with raw sockets, threads and the test's own clock."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.servers.harness import PATIENCE, eventually

RATE = 50
SIZE = 64


@dataclass
class Pinger:
    """A client that sends by the clock without waiting for echoes; it records when messages were due and were back."""

    sock: socket.socket
    round_trips: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._send, self._take)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        number = 0
        while not self._over.wait(max(self.began + number / RATE - time.monotonic(), 0)):
            with contextlib.suppress(OSError):
                self.sock.sendall(b"x" * SIZE)
            number += 1

    def _take(self) -> None:
        taken = 0
        with contextlib.suppress(OSError):
            while data := self.sock.recv(1 << 16):
                now = time.monotonic()
                for number in range(taken // SIZE, (taken + len(data)) // SIZE):
                    self.round_trips.append((self.began + number / RATE, now))
                taken += len(data)

    def end(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        self.sock.close()

    def felt(self, begin: float, end: float) -> str:
        """Return how this client was affected between two times (s): not served, stopped, slowed or untouched."""
        before = sorted(at - due for due, at in self.round_trips if at < begin)
        if not before:
            return "not served"
        moments = [begin, *(at for _, at in self.round_trips if begin < at < end), end]
        if max(later - earlier for earlier, later in itertools.pairwise(moments)) >= (end - begin) / 2:
            return "stopped"
        during = sorted(at - due for due, at in self.round_trips if begin <= due < end)
        slower = during[len(during) * 3 // 4] - before[len(before) * 3 // 4]
        return "slowed" if slower > 0.002 else "untouched"


@dataclass
class TrialResult:
    """How the other clients were affected, whether a new one was served during the block, and all clients' ports."""

    others: list[str]
    newcomer: bool
    ports: list[int]
    newcomers_port: int
    blocker: int


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def choose(address: tuple[str, int], homes: Callable[[], Mapping[int, int]], others: int) -> list[socket.socket]:
    """Connect clients until a process serves two and another one serves one; return the one to block and the others.

    `homes` returns the process that serves each port, as reported by the server.
    """
    connected = list[socket.socket]()
    while True:
        connected.append(socket.create_connection(address, PATIENCE))
        eventually(lambda: set(map(port_of, connected)) <= homes().keys(), "all are served")
        served_by = homes()
        for one in connected:
            near = [sock for sock in connected if served_by[port_of(sock)] == served_by[port_of(one)]]
            far = [sock for sock in connected if sock not in near]
            if len(near) >= 2 and far and len(connected) > others:
                picked = [near[0], near[1], far[0], *near[2:], *far[1:]]
                for sock in picked[others + 1 :]:
                    sock.close()
                return picked[: others + 1]


def connect(address: tuple[str, int], others: int) -> list[socket.socket]:
    """Connect the client to block, wait for its first echo so that it is certainly served, and connect the others."""
    blocker = socket.create_connection(address, PATIENCE)
    blocker.sendall(b"first")
    blocker.recv(100)
    return [blocker, *(socket.create_connection(address, PATIENCE) for _ in range(others))]


def feel(address: tuple[str, int], arm_for: Callable[[int], float], connected: list[socket.socket]) -> TrialResult:
    """Let the first client's message block, and return how the others were affected.

    `arm_for(port)` arms the block for that client and returns its length (s).
    """
    blocker, *others = connected
    pingers = [Pinger(sock) for sock in others]
    newcomer = None
    try:
        time.sleep(0.5)
        seconds = arm_for(port_of(blocker))
        begin = time.monotonic()
        blocker.sendall(b"block")
        time.sleep(seconds / 4)
        newcomer = Pinger(socket.create_connection(address, PATIENCE))
        blocker.settimeout(PATIENCE)
        blocker.recv(100)
        end = time.monotonic()
        time.sleep(0.3)
        served = [at for _, at in newcomer.round_trips]
        in_time = bool(served) and served[0] - newcomer.began < (end - newcomer.began) / 2
        felt = [pinger.felt(begin, end) for pinger in pingers]
        return TrialResult(felt, in_time, list(map(port_of, others)), port_of(newcomer.sock), port_of(blocker))
    finally:
        for pinger in (*pingers, *([newcomer] if newcomer else [])):
            pinger.end()
        blocker.close()
