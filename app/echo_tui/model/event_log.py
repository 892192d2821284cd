"""The event log: the last observations that are worth a line, each with a number that never changes."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

from echo_servers.records import Echo, Record

LINES = 10_000


class Unlisted(Record, gc=False):
    """So many echoes of so many connections have no entry of their own."""

    echoes: int
    connections: int


LogEntry = tuple[Record, str]
"""An observation, and the peer of the connection it speaks of (or an empty string)."""


class Log:
    """A ring of entries: those from number `first` up to, not including, `total` are still there."""

    __slots__ = ("_kept", "total")

    def __init__(self) -> None:
        self._kept: deque[tuple[Record, str, int]] = deque(maxlen=LINES)
        self.total = 0

    @property
    def first(self) -> int:
        """The number of the oldest entry that is still there."""
        return self.total - len(self._kept)

    def add(self, record: Record, peer: str = "") -> None:
        """Append an entry."""
        self._kept.append((record, peer, 0))
        self.total += 1

    def add_echo(self, echo: Echo, peer: str) -> None:
        """Append the two entries of an echo; they are taken apart only when they are drawn."""
        self._kept += ((echo, peer, 0), (echo, peer, 1))
        self.total += 2

    def slice(self, begin: int, end: int) -> Iterator[LogEntry]:
        """The entries numbered from `begin` up to, not including, `end`, as far as they are there."""
        first = self.first
        for record, peer, half in islice(self._kept, max(begin - first, 0), max(end - first, 0)):
            yield (record.halves()[half] if isinstance(record, Echo) else record), peer

    def snapshot(self) -> "Log":
        """Return the log as it is now; entries themselves never change."""
        twin = Log()
        twin._kept, twin.total = self._kept.copy(), self.total
        return twin
