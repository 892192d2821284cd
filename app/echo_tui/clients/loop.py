"""The only thread of the client process: it waits for sockets and alarms, and gives each client its turn."""

import select
import selectors
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from echo_tui.clients.alarms import Alarms
from echo_tui.clients.events import Events
from echo_tui.clients.openings import Openings

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE
TURN = 1_000_000
"""Nanoseconds that clients with much to send get before the sockets are polled again."""
RECV_BYTES = 64 * 1024

clock = time.monotonic_ns


class Sender(Protocol):
    """A client with much to send."""

    def pump(self) -> None:
        """It is this client's turn."""


class ClientLoop:
    """Sockets, alarms, and the queue of clients that have much to send."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.alarms = Alarms()
        self.openings = Openings(self.alarms)
        self.eager: OrderedDict[Sender, None] = OrderedDict()
        self.buffer = memoryview(bytearray(RECV_BYTES))
        self._selector = selectors.DefaultSelector()
        self._keys: dict[int, selectors.SelectorKey] = {}

    def watch(self, fd: int, mask: int, ready: Callable[[int], None]) -> None:
        """Call `ready` when the descriptor is; a mask of 0 ends that, and must before the descriptor is closed."""
        key = self._keys.get(fd)
        if key is None:
            if mask:
                self._keys[fd] = self._selector.register(fd, mask, ready)
        elif not mask:
            self._selector.unregister(fd)
            del self._keys[fd]
        elif mask != key.events:
            self._keys[fd] = self._selector.modify(fd, mask, ready)

    def turn(self) -> None:
        """Wait until something is to be done, and do it."""
        for key, mask in self._wait():
            # An earlier callback of this turn may have closed the descriptor, and another client may have got it.
            if self._keys.get(key.fd) is key:
                key.data(mask)
        for sleeper in self.alarms.ring(clock()):
            sleeper.wake()
        self._serve_eager()
        self._write_events()

    def _serve_eager(self) -> None:
        until = clock() + TURN
        while self.eager and clock() < until:
            self.eager.popitem(last=False)[0].pump()

    def _write_events(self, mask: int = 0) -> None:
        self.watch(self.events.fd, 0 if self.events.flush() else WRITE, self._write_events)

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        if self.eager:
            return self._selector.select(0)
        moment = self.alarms.next()
        if moment is None:
            return self._selector.select(None)
        # epoll's own timeout has only milliseconds, and would make every message of a chatter late.
        seconds = (moment - clock()) / 1e9
        if seconds > 0:
            select.select([self._selector], [], [], seconds)
        return self._selector.select(0)
