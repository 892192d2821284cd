"""The event log: the last observations that are worth a line, each with a number that never changes."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

from servers.records import Record

LINES = 10_000

Entry = tuple[Record, str]
"""An observation, and the peer of the connection it speaks of (or an empty string)."""


class Log:
    """A ring of entries: those from number `first` up to, not including, `total` are still there."""

    __slots__ = ("entries", "total")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=LINES)
        self.total = 0

    @property
    def first(self) -> int:
        """The number of the oldest entry that is still there."""
        return self.total - len(self.entries)

    def add(self, record: Record, peer: str = "") -> None:
        """Append an entry."""
        self.entries.append((record, peer))
        self.total += 1

    def slice(self, begin: int, end: int) -> Iterator[Entry]:
        """The entries numbered from `begin` up to, not including, `end`, as far as they are there."""
        first = self.first
        return islice(self.entries, max(begin - first, 0), max(end - first, 0))

    def copy(self) -> "Log":
        """The log as it is now; entries themselves never change."""
        twin = Log()
        twin.entries, twin.total = self.entries.copy(), self.total
        return twin
