"""Clients on their way to connect(2), a few at a time."""

import time
from collections import deque
from typing import Protocol

from echo_tui.clients.alarms import Alarms

AT_ONCE = 16
PAUSE = 8_000_000
"""Nanoseconds between two groups of clients.

The queue of a listening socket is short, and a client that finds it full tries again only after a whole second. Clients
that come faster than a server can accept would make it look slow.
"""


class Opener(Protocol):
    """A client that is to connect."""

    def connect(self) -> None:
        """It is this client's turn, if it still wants to."""


class Openings:
    """The queue of clients that are to connect."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._queue: deque[Opener] = deque()
        self._next = 0

    def add(self, client: Opener) -> None:
        """Let the client connect when it is its turn."""
        self._queue.append(client)
        self._alarms.set(self, self._next)

    def wake(self) -> None:
        """Let the next group connect."""
        self._next = time.monotonic_ns() + PAUSE
        for _ in range(min(AT_ONCE, len(self._queue))):
            self._queue.popleft().connect()
        if self._queue:
            self._alarms.set(self, self._next)
