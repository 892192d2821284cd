"""When messages came, in grains of time: what a timeline draws."""

SECOND = 1_000_000_000
BUCKET = SECOND // 10
"""The grain in which activity is remembered (ns)."""
BUCKETS = 3000
"""How many grains are remembered: five minutes."""
MOST = 255
"""The most messages that are counted in a grain."""
FEW = 32
"""How many grains with a message are kept without a ring."""
NOTICEABLE = SECOND // 20
"""A wait shorter than this (ns) is remembered as activity only; a person could not see it."""


class Activity:
    """How many messages came in each grain of the last five minutes (saturating at 255).

    A ring of all grains; while only a few of them have a message these are in a dictionary instead, because most
    connections of a busy server are short.
    """

    __slots__ = ("_counts", "_few", "_last")

    def __init__(self) -> None:
        self._few: dict[int, int] | None = {}
        self._counts = bytearray()
        self._last = 0

    def count(self, at: int, messages: int = 1) -> None:
        """So many messages at this moment; fewer than none take back what was counted too much."""
        bucket = at // BUCKET
        if bucket > self._last:
            self._advance(bucket)
        elif bucket <= self._last - BUCKETS:
            return
        if (few := self._few) is not None:
            few[bucket] = few.get(bucket, 0) + messages
            if len(few) > FEW:
                self._spread(few)
            return
        counts = self._counts
        counts[bucket % BUCKETS] = min(max(counts[bucket % BUCKETS] + messages, 0), MOST)

    def _spread(self, few: dict[int, int]) -> None:
        """Move to the ring what is not too old."""
        self._few, self._counts = None, bytearray(BUCKETS)
        for bucket, messages in few.items():
            if bucket > self._last - BUCKETS:
                self._counts[bucket % BUCKETS] = min(max(messages, 0), MOST)

    def _advance(self, bucket: int) -> None:
        if self._few is None:
            if bucket - self._last >= BUCKETS:
                self._counts[:] = bytes(BUCKETS)
            else:
                for stale in range(self._last + 1, bucket + 1):
                    self._counts[stale % BUCKETS] = 0
        self._last = bucket

    def between(self, begin: int, end: int) -> int:
        """The most messages in any grain of a span (ns); 0 where nothing is remembered."""
        first = max(begin // BUCKET, self._last - BUCKETS + 1)
        last = min((end - 1) // BUCKET, self._last)
        if self._few is not None:
            most = max((messages for bucket, messages in self._few.items() if first <= bucket <= last), default=0)
            return min(max(most, 0), MOST)
        counts = self._counts
        return max((counts[bucket % BUCKETS] for bucket in range(first, last + 1)), default=0)

    def copy(self) -> "Activity":
        """Return a copy that no longer changes."""
        twin = Activity()
        twin._few = None if self._few is None else self._few.copy()
        twin._counts[:] = self._counts
        twin._last = self._last
        return twin
