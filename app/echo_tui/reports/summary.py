"""What a run came to: connections, bytes, echoes a second, latencies, and stalls by cause."""

from collections import Counter
from collections.abc import Iterable

import msgspec
from hdrh.histogram import HdrHistogram

from echo_tui.model.observations import ClientEcho, Observation
from echo_tui.session.session import Session

LONGEST = 3_600_000_000
"""Latencies are counted from 1 us to one hour (us), with three significant digits."""
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


class Latency(msgspec.Struct):
    """Round trips of our own clients (us), from `count` echoes; `percentiles` by their names, such as `p99`."""

    count: int
    percentiles: dict[str, int]
    max: int


class Summary(msgspec.Struct, tag_field="type", tag="summary"):
    """A run in numbers. `seconds` is its length by our clock; `stalls` counts those that are over or go on, by cause.

    `connections` were accepted; of these `open` were left at the end, and `queued` waited to be accepted.
    `echoes_per_second` counts the messages that our clients have back, or the server's writes if there are more of
    these, as with other clients: a write may return several messages. `lost` counts records that the server could not
    write; totals include what they stood for. `latency` is None where no client of ours had an echo.
    """

    seconds: float
    connections: int
    open: int
    queued: int
    bytes_received: int
    bytes_sent: int
    echoes_per_second: float
    lost: int
    latency: Latency | None
    stalls: dict[str, int]
    exit_code: int
    dropped: int = 0
    """Observations that were left out of the stream because stdout was read too slowly; `lost` lines sum them up."""
    replies_pending: int = 0
    """Clients of a server that reports nothing which have spoken last and have no reply at the end."""


class Latencies:
    """The round trips of our clients, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST, 3)

    def add(self, found: Iterable[Observation]) -> None:
        """Count the echoes among observations."""
        for one in found:
            if isinstance(one, ClientEcho):
                self._histogram.record_value(min(max(one.rtt // 1000, 1), LONGEST))

    def summary(self) -> Latency | None:
        """Return the percentiles; None where nobody had an echo."""
        count = self._histogram.get_total_count()
        if not count:
            return None
        named = {f"p{share:g}": self._histogram.get_value_at_percentile(share) for share in PERCENTILES}
        return Latency(count, named, self._histogram.get_max_value())


def summarize(session: Session, latencies: Latencies, seconds: float, left: tuple[int, int], exit_code: int) -> Summary:
    """Return what a run of so many seconds came to; `left` are the connections open, and queued, at its end."""
    totals = session.totals
    stalls = Counter(cause.value for cause in session.stalls.totals.elements())
    stalls.update(stall.cause.value for stall in session.stalls.going.values())
    return Summary(
        round(seconds, 3), totals.new, *left, totals.recv_bytes, totals.send_bytes,
        round(max(totals.send, totals.echoes) / max(seconds, 0.001), 1), totals.lost, latencies.summary(),
        dict(stalls), exit_code, 0, len(session.replies.since),
    )  # fmt: skip
