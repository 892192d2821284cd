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

    The latest grain is counted apart, because nearly every message comes in it. The others are in a ring; while only a
    few of them have a message these are in a dictionary instead, because most connections of a busy server are short.
    """

    __slots__ = ("_begin", "_few", "_latest", "_ring")

    def __init__(self) -> None:
        self._begin = self._latest = 0
        """When the latest grain begins (ns), and its messages."""
        self._few: dict[int, int] | None = None
        self._ring: bytearray | None = None

    def count(self, at: int, messages: int = 1) -> None:
        """So many messages at this moment; fewer than none take back what was counted too much."""
        begin = self._begin
        if begin <= at < begin + BUCKET:
            self._latest += messages
        else:
            self._count_elsewhere(at // BUCKET, messages)

    def _count_elsewhere(self, bucket: int, messages: int) -> None:
        last = self._begin // BUCKET
        if bucket > last:
            if self._latest:
                self._add(last, self._latest)
            if (ring := self._ring) is not None:
                self._clear(ring, last, bucket)
            self._begin, self._latest = bucket * BUCKET, messages
        elif bucket > last - BUCKETS:
            self._add(bucket, messages)

    def _add(self, bucket: int, messages: int) -> None:
        if (ring := self._ring) is not None:
            ring[bucket % BUCKETS] = min(max(ring[bucket % BUCKETS] + messages, 0), MOST)
        elif (few := self._few) is not None:
            few[bucket] = few.get(bucket, 0) + messages
            if len(few) > FEW:
                self._spread(few)
        else:
            self._few = {bucket: messages}

    def _spread(self, few: dict[int, int]) -> None:
        """Move to the ring what is not too old."""
        self._few, self._ring = None, bytearray(BUCKETS)
        oldest = self._begin // BUCKET - BUCKETS
        for bucket, messages in few.items():
            if bucket > oldest:
                self._ring[bucket % BUCKETS] = min(max(messages, 0), MOST)

    @staticmethod
    def _clear(ring: bytearray, last: int, bucket: int) -> None:
        """Clear the ring's places of the grains after `last`, up to this one."""
        if bucket - last >= BUCKETS:
            ring[:] = bytes(BUCKETS)
        else:
            for stale in range(last + 1, bucket + 1):
                ring[stale % BUCKETS] = 0

    def between(self, begin: int, end: int) -> int:
        """The most messages in any grain of a span (ns); 0 where nothing is remembered."""
        latest = self._begin // BUCKET
        first, last = max(begin // BUCKET, latest - BUCKETS + 1), (end - 1) // BUCKET
        most = self._latest if first <= latest <= last else 0
        if (ring := self._ring) is not None:
            counts = (ring[bucket % BUCKETS] for bucket in range(first, min(last + 1, latest)))
        else:
            counts = (messages for bucket, messages in (self._few or {}).items() if first <= bucket <= last)
        return min(max(most, max(counts, default=0), 0), MOST)

    def copy(self) -> "Activity":
        """Return a copy that no longer changes."""
        twin = Activity()
        twin._begin, twin._latest = self._begin, self._latest
        twin._few, twin._ring = self._few and self._few.copy(), self._ring and self._ring.copy()
        return twin
