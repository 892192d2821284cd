"""Real servers as children of the test, for the tests of the observers and of a live run."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import psutil
from echo_servers.block import BlockSetting
from echo_servers.records import Listening
from echo_servers.server import Options
from echo_tui.model.observations import Observation, Output, ServerExited
from echo_tui.observers.child import Child

LIMIT = 20.0
"""Seconds after which a condition counts as failed; far longer than it needs."""
O = TypeVar("O", bound=Observation)  # noqa: E741


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition is true."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.005)


class Watched:
    """A server's child process, and all observations of it."""

    def __init__(self, pattern: str, options: Options, block: BlockSetting | None = None) -> None:
        self.child = Child(pattern, options, block)
        self.seen: list[Observation] = []
        self.stopped = False

    def all(self, kind: type[O]) -> list[O]:
        """Return all observations of a kind so far."""
        self.seen += self.child.read()
        return [o for o in self.seen if isinstance(o, kind)]

    def until(self, kind: type[O], count: int = 1) -> list[O]:
        """Wait for this many observations of a kind."""
        eventually(lambda: len(self.all(kind)) >= count, f"{count} {kind.__name__}; seen {self.seen[-5:]}")
        return self.all(kind)

    @property
    def port(self) -> int:
        return self.until(Listening)[0].port

    def connect(self, count: int = 1) -> list[socket.socket]:
        return [socket.create_connection(("127.0.0.1", self.port), LIMIT) for _ in range(count)]

    def members(self) -> list[psutil.Process]:
        """Return the server's processes."""
        main = psutil.Process(self.child.pid)
        return [main, *main.children(recursive=True)]

    def errors(self) -> list[str]:
        """Return the lines written to stderr."""
        return [o.text for o in self.all(Output) if o.stream == "stderr"]

    def lines(self) -> list[str]:
        """Return the lines written to stdout."""
        return [o.text for o in self.all(Output) if o.stream == "stdout"]

    def ended(self) -> ServerExited:
        """Wait for the server's end."""
        return self.until(ServerExited)[0]

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.seen += self.child.stop()


@contextlib.contextmanager
def watched(
    pattern: str,
    block: BlockSetting | None = None,
    *,
    port: int = 0,
    workers: int | None = None,
    ceiling: int | None = None,
    printing: bool = False,
) -> Iterator[Watched]:
    """Run a server on a free port."""
    it = Watched(pattern, Options(port=port, workers=workers, ceiling=ceiling, print=printing), block)
    try:
        yield it
    finally:
        it.stop()


def is_gone(process: psutil.Process) -> bool:
    """Return whether a process has ended, reaped or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
