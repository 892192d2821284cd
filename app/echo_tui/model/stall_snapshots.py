"""Sessions held still while something stalled, so that one can go back and see who waited and where."""

import time
from collections.abc import Callable
from itertools import takewhile

from echo_tui.model.session import Session

Snapshot = tuple[Session, int]
"""A session that stands still, and when (ns) it was so."""
KEPT = 40
CONNECTIONS = 6_000
"""Connections in all pictures together, at about 4 kB each: with many clients fewer pictures are kept."""
AGAIN = 300_000_000
"""A stall that goes on is pictured anew after this time (ns)."""
SHARE, FRESH_SHARE = 100, 20
"""A picture that takes t to make is followed by none for this many times t; one of a new stall may come sooner."""


class StallSnapshots:
    """The latest picture of each of the latest stalls, by the stall's number: a session and its moment (ns)."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.kept: dict[int, Snapshot] = {}
        self._clock = clock
        self._next = self._soonest = 0
        self._with_line: set[int] = set()
        """The numbers of those whose picture has their line."""
        self._newest = 0
        """The number of the latest stall that was pictured."""

    def keep(self, session: Session, now: int) -> None:
        """Picture the stalls that go on, if it is time to: once their line is known, and then again and again.

        One that was told only when it was over is pictured as things were then.
        """
        going = [stall for stall in session.stalls.going.values() if not stall.end]
        latest = takewhile(lambda stall: stall.number > self._newest, reversed(session.stalls.all))
        going += [stall for stall in latest if stall.end]
        for number in self.kept.keys() - {stall.number for stall in session.stalls.all}:
            del self.kept[number]  # it turned out to be none
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
        """How many connections are in the pictures; several stalls may share one."""
        pictures = {id(still): still for still, _ in self.kept.values()}
        return sum(len(still.connections) + len(still.connections.closed) for still in pictures.values())
