"""A server under observation, its plain-socket clients, and their own measurements."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

from echo_servers.block import BlockSetting
from echo_servers.catalog import find
from echo_servers.records import address_name
from echo_servers.server import Options
from echo_tui.diagnosis.stall import Cause, Stall
from echo_tui.model.observations import StallAfter
from echo_tui.run.driver import TURN, Driver
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.session.session import Session

from tests.ports import free_port

LIMIT = 30.0
INTERVAL = TURN / 1e9
STARVED = 0.25
"""How long (s) a server thread may be runnable without a core before a measurement is invalid."""
CLOSE = 0.1
"""Tolerance (s) of a measured time, in addition to the delay of this run."""


class Starved(Exception):
    """A measurement failed because this run got too little CPU time. The test is repeated (conftest.py)."""


class Watch:
    """A headless live run. `late` is the worst delay of its samples (s)."""

    def __init__(
        self, pattern: str, block: BlockSetting | None, options: Options, threshold: int | None, reports: bool = True
    ) -> None:
        self.live = Live(Plan(options=options, reports=reports))
        self.live.start(find(pattern))
        if not block:
            self.live.arm(None)
        self.block = block
        if threshold:
            self.session.apply(StallAfter(time.monotonic_ns(), threshold))
        self.driver = Driver(self.live)
        self.late = 0.0
        self.until(lambda: self.session.server and self.session.server.listening_at, "the server listens")

    @property
    def session(self) -> Session:
        return self.live.session

    @property
    def stalls(self) -> list[Stall]:
        return list(self.session.stalls.all)

    @property
    def blamed(self) -> list[Stall]:
        """Stalls without those caused by a busy machine, where the server gets no core for a while."""
        return [stall for stall in self.stalls if stall.cause is not Cause.NO_CORE]

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next turn."""
        return self.driver.due

    def turn(self) -> None:
        """Wait for the next turn, and take it: the dashboard does so 20 times a second."""
        wait = self.driver.wait
        if wait > 0:
            time.sleep(wait)
        self.driver.turn()
        self.late = max(self.late, self.driver.worst_lag() / 1e9)

    def until(self, condition: Callable[[], object], what: str) -> None:
        limit = time.monotonic() + LIMIT
        while not condition():
            stalls = [(s.cause.value, len(s.victims), s.end) for s in self.stalls]
            assert time.monotonic() < limit, f"never came true: {what}; {stalls} {self.session.missing}"
            self.turn()

    def passes(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def connect(self) -> "Caller":
        assert self.session.server
        return Caller(self, (self.session.server.host, self.session.server.port))

    def arm(self, on: bool = True) -> None:
        """Arm or disarm the block."""
        if self.block and on:
            self.live.arm(self.block)
        else:
            self.live.arm(None)

    def starved(self) -> str:
        """Return why this run got too little CPU time, by its own measurements; empty if it did not."""
        threads = self.session.threads
        without = max((thread.waited_for_a_core for thread in threads.known.values()), default=0) / 1e9
        if self.late > CLOSE:
            return f"a sample was {self.late:.2f} s late"
        if without > STARVED:
            return f"a thread of the server was ready to run for {without:.2f} s without a core"
        if threads.interval and threads.interval > 4 * TURN:
            return f"samples of the threads were {threads.interval / 1e9:.2f} s apart"
        if any(stall.cause is Cause.NO_CORE for stall in self.session.stalls.all):
            return "a thread of the server had no core"
        return ""

    def is_close(self, measured: int, truth: int) -> bool:
        """Return whether two times (ns) are equal within the tolerance of this run."""
        return abs(measured - truth) / 1e9 <= CLOSE + 2 * self.late


class Caller:
    """A client on a plain socket: what it has sent, and when its echo arrived by its own clock (ns)."""

    def __init__(self, watch: Watch, address: tuple[str, int]) -> None:
        self.watch = watch
        self.sock = socket.create_connection(address, LIMIT)
        self.sock.setblocking(False)
        self.name = address_name(*self.sock.getsockname()[:2])
        self.sent_at = self.echo_at = 0
        self.to_echo = 0

    def send(self, data: bytes = b"hogehoge\n") -> None:
        self.sent_at, self.echo_at = time.monotonic_ns(), 0
        self.to_echo += len(data)
        self.sock.sendall(data)

    def listen(self) -> bool:
        """Receive what is available; return whether all echoes have arrived."""
        with contextlib.suppress(BlockingIOError):
            while self.to_echo:
                self.to_echo -= len(self.sock.recv(1 << 16))
                self.echo_at = time.monotonic_ns()
        return not self.to_echo

    def talk(self, data: bytes = b"hogehoge\n") -> None:
        """Send, and wait for the echo."""
        self.send(data)
        self.watch.until(self.listen, "an echo")

    def close(self) -> None:
        self.sock.close()


def heard(*callers: Caller) -> bool:
    echoes = [caller.listen() for caller in callers]  # each client in every turn
    return all(echoes)


def during_a_block(watch: Watch, sender: Caller, others: list[Caller]) -> None:
    """Let one client's message block its handler; then disarm the block and let the others send."""
    watch.arm()
    sender.send()
    watch.until(lambda: watch.session.blocks.running, "the block")
    watch.arm(False)
    for other in others:
        other.send()

    watch.until(lambda: heard(sender, *others), "every echo")
    watch.until(lambda: not watch.session.stalls.going, "the end of the stall")


@contextlib.contextmanager
def watching(
    pattern: str,
    block: BlockSetting | None = None,
    *,
    workers: int | None = None,
    share: str | None = None,
    threshold: int | None = None,
    printing: bool = False,
    reports: bool = True,
) -> Iterator[Watch]:
    """Watch a pattern on a free port, with a block that is disarmed at first.

    Without `reports` the server writes no records, so that only the kernel's evidence is available.
    """
    options = Options(port=0 if reports else free_port(), workers=workers, share=share, print=printing)
    watch = Watch(pattern, block, options, threshold, reports)
    try:
        yield watch
    except Exception as error:
        if why := watch.starved():
            raise Starved(why) from error
        raise
    finally:
        watch.live.close()
