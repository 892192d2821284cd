"""One TCP connection, as both ends tell it: our client's clock and the server's reports, joined by the peer address."""

import enum
from collections import deque
from dataclasses import dataclass
from typing import Protocol

SECOND = 1_000_000_000
BUCKET = SECOND // 10
"""The grain in which activity is remembered (ns)."""
BUCKETS = 3000
"""How many grains are remembered: five minutes."""
NOTICEABLE = SECOND // 20
"""A wait shorter than this (ns) is remembered as activity only; a person could not see it."""
WAITS = 256
"""Waits remembered for a connection."""


class State(enum.Enum):
    """What a connection is doing, in the words of the screen.

    A connection is held while the thread that serves it is in a blocking call for another one: it waits for nothing
    yet, and could not be served.
    """

    QUEUED = "not accepted"
    QUIET = "quiet"
    WAITING = "waiting"
    HELD = "held"
    LEFT = "client left"
    CLOSED = "closed"


class Stalled(Protocol):
    """A stall that a connection is a victim of, by its key, and when it ended (ns; 0: not yet)."""

    key: tuple[int, int]
    end: int

    def release(self, number: int, at: int, taken: bool) -> None:
        """The connection of this number is taken, or gone."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A span (ns) in which a connection waited: for its echo, or to be accepted."""

    begin: int
    end: int
    state: State


class Activity:
    """How many messages came in each grain of the last five minutes (a ring, saturating at 255)."""

    __slots__ = ("_counts", "_last")

    def __init__(self) -> None:
        self._counts = bytearray(BUCKETS)
        self._last = 0

    def count(self, at: int) -> None:
        """One message at this moment."""
        bucket = at // BUCKET
        counts = self._counts
        if bucket != self._last:
            if bucket <= self._last - BUCKETS:
                return
            self._advance(bucket)
        index = bucket % BUCKETS
        if counts[index] < 255:
            counts[index] += 1

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
        """The same, no longer changed by what comes."""
        twin = Activity()
        twin._counts[:] = self._counts
        twin._last = self._last
        return twin


class Connection:
    """One connection and what is known of it. Times are monotonic nanoseconds; 0 means: not so."""

    __slots__ = (
        "accepted_at", "activity", "client", "closed_at", "error", "flooded", "key", "left_at", "number", "opened_at",
        "owed", "owed_since", "peer", "pid", "recv", "recv_bytes", "rtt", "rtt_max", "send", "send_bytes",
        "sent_since", "spoiled", "stall", "taken", "taken_at", "taken_since", "tid", "unread", "unread_at",
        "unread_since", "unsent", "waits",
    )  # fmt: skip

    def __init__(self, number: int, peer: str, opened_at: int) -> None:
        self.number = number
        self.peer = peer
        self.opened_at = opened_at
        self.key: tuple[int, int] | None = None
        self.client: int | None = None
        self.pid = self.tid = 0
        self.accepted_at = self.left_at = self.closed_at = 0
        self.error = ""
        self.flooded = False
        """Whether it was one of a flood of ours when it ended."""
        self.recv = self.recv_bytes = self.send = self.send_bytes = 0
        self.owed = self.owed_since = 0
        self.sent_since = 0
        self.rtt: int | None = None
        self.rtt_max: int | None = None
        self.spoiled = 0
        self.unread = self.unsent = self.unread_at = self.unread_since = self.taken_at = 0
        self.taken: int | None = 0
        """Bytes that the server has out of the kernel, as of the last look; None once that tells nothing any more."""
        self.taken_since = 0
        self.stall: Stalled | None = None
        self.activity = Activity()
        self.waits: deque[Wait] = deque(maxlen=WAITS)

    @property
    def state(self) -> State:
        """What the connection is doing now."""
        if self.closed_at:
            return State.CLOSED
        if self.left_at:
            return State.LEFT
        if not self.accepted_at:
            return State.QUEUED
        return State.WAITING if self.waiting_since else State.QUIET

    @property
    def waiting_since(self) -> int:
        """When the oldest message without an echo was sent (our client's clock), came to the kernel, or was taken."""
        untold_since = 0 if self.has_its_echo else self.untold_since
        known = (self.sent_since, self.owed_since, self.untaken_since, untold_since)
        return min((since for since in known if since), default=0)

    @property
    def pending_since(self) -> int:
        """Since when the connection waits for anything: to be accepted, or for an echo; 0 if for nothing."""
        if self.closed_at or self.left_at:
            return 0
        return self.waiting_since if self.accepted_at else self.opened_at

    def accepted(self, at: int, key: tuple[int, int]) -> None:
        """The server has taken the connection out of the accept queue."""
        if not self.accepted_at:
            self.remember(self.opened_at, at, State.QUEUED)
        self.accepted_at, self.key = at, key
        if self.stall:
            self._go_on(at)

    def received(self, size: int, at: int) -> None:
        """The server has taken bytes, and owes them from now on."""
        if not self.owed_since:
            self.owed_since = self.came_at or at
        self._taken(at)
        self.recv += 1
        self.recv_bytes += size
        self.owed += size

    def returned(self, size: int, at: int) -> None:
        """The server has given bytes back."""
        self.send += 1
        self.send_bytes += size
        self.owed -= size
        if self.owed <= 0:
            self.forgive()
            if self.stall and not self.unread:  # it waited for a thread that had all of it, and wanted the GIL
                self._go_on(at, taken=False)

    def echoed_at_once(self, size: int, at: int) -> None:
        """The server has taken bytes and given them back: what it owed, it owes still."""
        self._taken(at)
        self.recv += 1
        self.recv_bytes += size
        self.send += 1
        self.send_bytes += size

    def forgive(self) -> None:
        """Nothing is owed, or what tells the end of a debt may be lost: such a one is none."""
        self.owed = self.owed_since = 0

    def echoed(self, at: int, since: int) -> None:
        """A message is back: how long it has been on its way is remembered if anybody could have noticed."""
        self.activity.count(at)
        self.remember(since, at, State.WAITING)

    def remember(self, begin: int, end: int, state: State) -> None:
        """Keep a wait that was long enough to notice, joined to the last one where they overlap."""
        if not begin or end - begin < NOTICEABLE:
            return
        last = self.waits[-1] if self.waits else None
        if last and last.state is state and last.begin <= end and begin <= last.end:
            begin, end = min(begin, last.begin), max(end, last.end)
            self.waits.pop()
        self.waits.append(Wait(begin, end, state))

    def close(self, at: int, error: str) -> None:
        """The server has closed the connection, or is gone itself."""
        self._end_waits(at)
        self.closed_at, self.error = at, error
        self.unread = self.unsent = self.unread_since = 0
        if self.stall:
            self._go_on(at, taken=False)

    def leave(self, at: int, how: str) -> None:
        """Our client's end is closed, whatever the server knows of it yet."""
        self._end_waits(at)
        self.left_at, self.error = at, how
        if self.stall:
            self._go_on(at, taken=False)
        self.sent_since = 0

    def has_waiting(self, unread: int, unsent: int, at: int, since: int) -> None:
        """What the kernel has of it at a moment: bytes nobody has read, the first of them since then at the latest."""
        if not unread:
            self.unread_since = 0
        elif not self.unread_since:
            self.unread_since = max(since, self.accepted_at)
        elif unread < self.unread:  # some were taken, and what is left came after those
            self.unread_since = max(self.unread_since, self.taken_at if self.taken_at >= self.unread_at else at)
        self.unread, self.unread_at, self.unsent = unread, at, unsent

    def has_received(self, received: int, since: int) -> None:
        """How many bytes the kernel has received for it, the last of them then (ns)."""
        if self.taken is None:
            return
        known = self.untold_since
        self.taken, self.taken_since = received - self.unread, known or since

    @property
    def untold_since(self) -> int:
        """Since when the server has had bytes out of the kernel that it has not come to speak of; 0 if it has none."""
        return self.taken_since if self.taken is not None and self.taken > self.recv_bytes else 0

    @property
    def has_its_echo(self) -> bool:
        """Whether nothing of our client is under way, by its own word: what the server has not told was sent back."""
        return self.client is not None and not self.sent_since

    def has_all(self, at: int) -> None:
        """Our client has all that it waited for: what the server has taken and not told keeps it waiting no more."""
        if self.stall and self.untold_since:
            self._go_on(at, taken=False)

    def lose(self, at: int) -> None:
        """Records of what the server took of it, or gave back, may be lost: what is missing accuses nobody."""
        self.forgive()
        self.taken_at, self.taken = at, None

    @property
    def untaken_since(self) -> int:
        """Since when bytes wait of which the server has taken none; 0 if none wait, or it may have taken all since."""
        return max(self.unread_since, self.taken_at) if self.unread_since and self.taken_at <= self.unread_at else 0

    @property
    def came_at(self) -> int:
        """Since when what the server tells of next has waited; 0 if nothing is known to wait."""
        return self.untaken_since or self.untold_since

    def _taken(self, at: int) -> None:
        if self.client is None:  # of our own clients' waits their clock tells more
            self.remember(self.came_at, at, State.WAITING)
        self.taken_at = at
        if self.stall:
            self._go_on(at)

    def _go_on(self, at: int, taken: bool = True) -> None:
        assert self.stall
        self.stall.release(self.number, at, taken)
        self.stall = None

    def _end_waits(self, at: int) -> None:
        if since := self.pending_since:
            self.remember(since, at, State.WAITING if self.accepted_at else State.QUEUED)

    def copy(self) -> "Connection":
        """The connection as it is now, for a frozen screen."""
        twin = Connection.__new__(Connection)
        for name in Connection.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.activity = self.activity.copy()
        twin.waits = self.waits.copy()
        twin.stall = None
        return twin
