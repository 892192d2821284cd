"""Snapshots of the session taken during stalls, so that the screen can go back to them."""

import time
from collections.abc import Callable
from itertools import takewhile

from echo_tui.session.session import Session

Snapshot = tuple[Session, int]
"""A session that no longer changes, and the time (ns) at which it was taken."""
KEPT = 40
CONNECTIONS = 6_000
"""The limit of connections in all snapshots together, at about 4 kB each: with many clients fewer are kept."""
AGAIN = 300_000_000
"""How long (ns) after a snapshot of a stall the next one is taken while it lasts."""
SHARE, FRESH_SHARE = 100, 20
"""A snapshot that takes t to make is followed by none for this many times t; less for one of a new stall."""


class StallSnapshots:
    """The latest snapshot of each of the latest stalls, by the stall's number."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.kept: dict[int, Snapshot] = {}
        self._clock = clock
        self._next = self._soonest = 0
        self._with_line: set[int] = set()
        """The numbers of the stalls whose snapshot contains their line."""
        self._newest = 0
        """The number of the latest stall with a snapshot."""

    def keep(self, session: Session, now: int) -> None:
        """Take a snapshot of the open stalls if one is due: when a line is found, and again at intervals.

        A stall that is reported only after its end is kept as the session was then.
        """
        going = [stall for stall in session.stalls.going.values() if not stall.end]
        latest = takewhile(lambda stall: stall.number > self._newest, reversed(session.stalls.all))
        going += [stall for stall in latest if stall.end]
        for number in self.kept.keys() - {stall.number for stall in session.stalls.all}:
            del self.kept[number]  # it was withdrawn
        self._with_line &= self.kept.keys()
        fresh = [s for s in going if s.number not in self.kept or (s.located_at and s.number not in self._with_line)]
        if not going or now < (self._soonest if fresh else self._next):
            return
        began = self._clock()
        still = session.snapshot()
        spent = self._clock() - began
        self._next, self._soonest = now + max(AGAIN, SHARE * spent), now + FRESH_SHARE * spent
        for stall in going:
            self.kept.pop(stall.number, None)
            self.kept[stall.number] = (still, now)
            if stall.located_at:
                self._with_line.add(stall.number)
            self._newest = max(self._newest, stall.number)
        while len(self.kept) > KEPT or (len(self.kept) > 1 and self._connections() > CONNECTIONS):
            del self.kept[next(iter(self.kept))]

    def _connections(self) -> int:
        """The number of connections in all snapshots; several stalls may share one snapshot."""
        pictures = {id(still): still for still, _ in self.kept.values()}
        return sum(len(still.connections) + len(still.connections.closed) for still in pictures.values())
