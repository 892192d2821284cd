"""A server under observation, driven by raw sockets, and the truth as the test itself has measured it."""

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
LOOK = TURN / 1e9
STARVED = 0.25
"""How long (s) a thread of the server may be ready to run without a core before a measurement tells nothing."""
CLOSE = 0.1
"""How far (s) from the truth a time may be, beyond what this run itself was late."""


class Starved(Exception):
    """A measurement failed in a run that itself got too little of a core to measure. It is repeated (conftest.py)."""


class Watch:
    """A live run without a screen. `late` is by how much its looks were late at worst (s)."""

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
        self.until(lambda: self.session.server and self.session.server.listening_at, "it listens")

    @property
    def session(self) -> Session:
        return self.live.session

    @property
    def stalls(self) -> list[Stall]:
        return list(self.session.stalls.all)

    @property
    def blamed(self) -> list[Stall]:
        """Those that are the server's own doing: on a busy machine it may get no core for a while."""
        return [stall for stall in self.stalls if stall.cause is not Cause.NO_CORE]

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next turn."""
        return self.driver.due

    def look(self) -> None:
        """One turn, as the dashboard makes it twenty times a second."""
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
            self.look()

    def passes(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()

    def connect(self) -> "Caller":
        assert self.session.server
        return Caller(self, (self.session.server.host, self.session.server.port))

    def arm(self, on: bool = True) -> None:
        """Switch the block on or off."""
        if self.block and on:
            self.live.arm(self.block)
        else:
            self.live.arm(None)

    def starved(self) -> str:
        """Return how this run was short of a core, by its own figures; empty if it was not."""
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
        """Whether two moments (ns) are the same, as well as this run can tell."""
        return abs(measured - truth) / 1e9 <= CLOSE + 2 * self.late


class Caller:
    """A raw client: what it has sent, and when its echo came, by its own clock (ns)."""

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
        """Take what is there; whether all echoes have come."""
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
    echoes = [caller.listen() for caller in callers]  # each of them, at every look
    return all(echoes)


def during_a_block(watch: Watch, sender: Caller, others: list[Caller]) -> None:
    """One client's message blocks its handler; then the block is switched off, and the others send too."""
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
    """Watch a pattern on a free port, with a block that is off until it is armed.

    Without `reports` the server says nothing of what it does: there is the kernel's evidence alone.
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
