"""When messages came, in grains of time: what a timeline draws."""

SECOND = 1_000_000_000
BUCKET = SECOND // 10
"""The grain in which activity is remembered (ns)."""
BUCKETS = 3000
"""How many grains are remembered: five minutes."""
NOTICEABLE = SECOND // 20
"""A wait shorter than this (ns) is remembered as activity only; a person could not see it."""


class Activity:
    """How many messages came in each grain of the last five minutes (a ring, saturating at 255)."""

    __slots__ = ("_counts", "_last")

    def __init__(self) -> None:
        self._counts = bytearray(BUCKETS)
        self._last = 0

    def count(self, at: int, messages: int = 1) -> None:
        """So many messages at this moment."""
        bucket = at // BUCKET
        counts = self._counts
        if bucket != self._last:
            if bucket <= self._last - BUCKETS:
                return
            self._advance(bucket)
        index = bucket % BUCKETS
        counts[index] = min(max(counts[index] + messages, 0), 255)

    def _advance(self, bucket: int) -> None:
        if bucket - self._last >= BUCKETS:
            self._counts[:] = bytes(BUCKETS)
        else:
            for stale in range(self._last + 1, bucket + 1):
                self._counts[stale % BUCKETS] = 0
        self._last = max(self._last, bucket)

    def between(self, begin: int, end: int) -> int:
        """The most messages in any grain of a span (ns); 0 where nothing is remembered."""
        first = max(begin // BUCKET, self._last - BUCKETS + 1)
        last = min((end - 1) // BUCKET, self._last)
        counts = self._counts
        return max((counts[bucket % BUCKETS] for bucket in range(first, last + 1)), default=0)

    def copy(self) -> "Activity":
        """Return a copy that no longer changes."""
        twin = Activity()
        twin._counts[:] = self._counts
        twin._last = self._last
        return twin
