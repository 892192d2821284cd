"""One TCP connection: our client's clock and the server's records, joined by the client's address."""

from collections import deque

from echo_tui.model.activity import NOTICEABLE, Activity
from echo_tui.model.observations import ClientEcho
from echo_tui.model.remembered import State, Wait, with_wait

NOBODY = -1
"""The thread that serves a connection which no thread has served yet."""


class Connection:
    """One connection and what is known of it. Times are monotonic nanoseconds; 0 means never."""

    __slots__ = (
        "accepted_at",
        "activity",
        "bytes_read",
        "client",
        "closed_at",
        "error",
        "flooded",
        "key",
        "left_at",
        "number",
        "opened_at",
        "peer",
        "pid",
        "read_at",
        "read_since",
        "recv",
        "recv_bytes",
        "rtt",
        "rtt_max",
        "send",
        "send_bytes",
        "sent_since",
        "settled_at",
        "spoiled",
        "tid",
        "to_echo",
        "to_echo_since",
        "unblocked_at",
        "unechoed_since",
        "unread",
        "unread_at",
        "unread_since",
        "unsent",
        "waits",
        "written",
    )  # fmt: skip

    def __init__(self, number: int, peer: str, opened_at: int) -> None:
        self.number = number
        self.peer = peer
        self.opened_at = opened_at
        self.key: tuple[int, int] | None = None
        self.client: int | None = None
        self.pid, self.tid = 0, NOBODY
        self.accepted_at = self.left_at = self.closed_at = self.unblocked_at = 0
        self.error = ""
        self.flooded = False
        """Whether it was one of a flood of ours when it ended."""
        self.recv = self.recv_bytes = self.send = self.send_bytes = 0
        self.to_echo = self.to_echo_since = 0
        self.sent_since = 0
        self.rtt: int | None = None
        self.rtt_max: int | None = None
        self.spoiled = 0
        self.unread = self.unsent = self.unread_at = self.unread_since = self.read_at = 0
        self.bytes_read: int | None = 0
        """Bytes the server has read (received minus unread) at the last sample; None after records were lost."""
        self.read_since = 0
        self.written: int | None = None
        """Bytes the server has written, at the last sample that has this number; None where the kernel does not count
        them."""
        self.unechoed_since = 0
        """Since when (ns) the kernel shows bytes that were read and not written back; 0 if there are none."""
        self.settled_at = 0
        """When (ns) a sample last showed that all bytes read were written back."""
        self.activity = Activity()
        self.waits: deque[Wait] | tuple[Wait, ...] = ()

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
        """When the oldest message without an echo was sent (by our client's clock), reached the kernel, or was read
        (ns)."""
        if not (
            self.sent_since or self.to_echo_since or self.unread_since or self.unechoed_since or self.read_since
        ):  # nearly always
            return 0
        unwritten_since = self.unwritten_since
        if unwritten_since and self.has_its_echo:
            unwritten_since = 0
        known = [s for s in (self.sent_since, self.to_echo_since, self.none_read_since, unwritten_since) if s]
        return min(known) if known else 0

    @property
    def pending_since(self) -> int:
        """Since when (ns) the connection has waited to be accepted or for an echo; 0 if it waits for neither."""
        if self.closed_at or self.left_at:
            return 0
        return self.waiting_since if self.accepted_at else self.opened_at

    def accepted(self, at: int, key: tuple[int, int]) -> None:
        """The server has accepted the connection."""
        if at != self.opened_at and not self.accepted_at:
            self.remember(self.opened_at, at, State.QUEUED)
        self.accepted_at, self.key = at, key

    def received(self, size: int, at: int) -> None:
        """The server has read bytes, which it is to echo."""
        if not self.to_echo_since:
            self.to_echo_since = self.came_at or at
        self._has_read(at)
        self.recv += 1
        self.recv_bytes += size
        self.to_echo += size

    def returned(self, size: int, at: int) -> bool:
        """The server has written bytes back. Return whether it has nothing more to echo and has read everything."""
        self.send += 1
        self.send_bytes += size
        self.unechoed_since = 0
        self.to_echo -= size
        if self.to_echo > 0:
            return False
        self.nothing_to_echo()
        return not self.unread

    def echoed_at_once(self, size: int, at: int, took: int) -> None:
        """The server has read bytes at `at` (ns) and written them back `took` ns later; older bytes to echo stay.

        In between its thread may have waited for the GIL or for a core.
        """
        if self.client is None:  # our own clients measure their waits by their own clocks
            waits = self.unread_since or self.unechoed_since or (self.written is None and self.read_since)
            came_at, done = self.came_at if waits else 0, at + took
            self.activity.count(done)
            if done - (since := self.to_echo_since or came_at or at) >= NOTICEABLE:
                self.remember(since, done, State.WAITING)
            if came_at:
                self.remember(came_at, at, State.WAITING)
        self.read_at = at
        self.unechoed_since = 0
        self.recv += 1
        self.recv_bytes += size
        self.send += 1
        self.send_bytes += size

    def counted(self, echoes: int, size: int, at: int) -> None:
        """The server has made so many echoes, of so many bytes in all; the last of them was read at `at` (ns)."""
        if self.client is None:
            self.activity.count(at, echoes)
            if came_at := self.came_at:
                self.remember(came_at, at, State.WAITING)
        self.read_at = max(self.read_at, at)
        self.unechoed_since = 0
        self.recv += echoes
        self.recv_bytes += size
        self.send += echoes
        self.send_bytes += size

    def nothing_to_echo(self) -> None:
        """Forget the bytes to echo: there are none, or the record of their echo may have been lost."""
        self.to_echo = self.to_echo_since = 0

    def served_by(self, pid: int, tid: int) -> None:
        """Note the thread that serves the connection from now on."""
        self.pid, self.tid = pid, tid

    def belongs_to(self, client: int, at: int) -> None:
        """Note that the connection is that of one of our clients, which connected at this time (ns)."""
        if at < self.opened_at:
            self.opened_at = at
            self.remember(at, self.accepted_at, State.QUEUED)
        self.client = client

    def unblocked(self, at: int) -> None:
        """Note that its own blocking call has returned."""
        self.unblocked_at = at

    def was_flood(self) -> None:
        """Note that it was one of a flood of ours."""
        self.flooded = True

    def sends(self, at: int) -> None:
        """Note that our client sends a message."""
        if not self.sent_since:
            self.sent_since = at

    def awaits(self, since: int) -> None:
        """Note when (ns) our client's oldest message without an echo was sent; 0 if there is none, or if that is
        unknown."""
        self.sent_since = since

    def has_echo(self, o: ClientEcho) -> bool:
        """Note an echo. Return whether our client has all that the server has read and not reported as written."""
        self.rtt = o.rtt
        self.rtt_max = max(self.rtt_max or 0, o.rtt)
        self.echoed(o.at, o.at - o.rtt)
        self.sent_since = o.waiting_since
        self.spoiled += not o.intact
        if o.waiting_since:
            return False
        unreported = bool(self.unwritten_since)
        self.unechoed_since = 0
        return unreported

    def is_echoed(self) -> None:
        """Note that a sample no longer shows bytes that were read and not written back."""
        self.unechoed_since = 0

    def echoed(self, at: int, since: int) -> None:
        """Note an echo; the wait is remembered if it was long enough to notice."""
        self.activity.count(at)
        if at - since >= NOTICEABLE:
            self.remember(since, at, State.WAITING)

    def remember(self, begin: int, end: int, state: State) -> None:
        """Remember a wait that was long enough to notice, merged with the last one if they overlap."""
        if not begin or end - begin < NOTICEABLE:
            return
        self.waits = with_wait(self.waits, Wait(begin, end, state))

    def close(self, at: int, error: str) -> None:
        """The server has closed the connection, or has ended."""
        self._end_waits(at)
        self.closed_at, self.error = at, error
        self.unread = self.unsent = self.unread_since = self.unechoed_since = 0

    def leave(self, at: int, how: str) -> None:
        """The client's end is closed, whatever the server knows of it yet."""
        self._end_waits(at)
        self.left_at, self.error = at, how
        self.sent_since = 0

    def has_waiting(self, unread: int, unsent: int, at: int, came_at: int | None = None) -> None:
        """Note unread and unsent bytes of a sample; the last bytes came at `came_at` (ns), if that is known."""
        if not unread:
            self.unread_since = 0
        elif not self.unread_since:
            self.unread_since = max(at if came_at is None else came_at, self.accepted_at)
        elif self.read_at >= self.unread_at and self.read_at > self.unread_since:  # the bytes left came later
            self.unread_since = max(self.read_at, came_at or 0)
        elif unread < self.unread:  # some were read, whatever was reported
            self.unread_since = max(self.unread_since, at)
        self.unread, self.unread_at, self.unsent = unread, at, unsent

    def has_received(self, received: int, since: int) -> None:
        """Note how many bytes the kernel has received in all, the last of them at `since` (ns)."""
        if self.bytes_read is None:
            return
        known = self.unwritten_since
        self.bytes_read, self.read_since = received - self.unread, known or since

    def has_written(self, received: int, written: int, since: int, at: int) -> bool:
        """Note how many bytes the kernel has received and the server has written; the last bytes came at `since` (ns).

        Return whether the server has read all bytes and written them back: an echo is as long as its message.
        """
        before, self.written = self.written, written
        if written < received - self.unread:
            if not self.unechoed_since or written != before:
                self.unechoed_since = since
            self.settled_at = 0
            return False
        self.settled_at, self.unechoed_since = at, 0
        return bool(self.accepted_at) and not self.unread

    @property
    def unwritten_since(self) -> int:
        """Since when (ns) there have been bytes that were read and not written back; 0 if there are none.

        Where the kernel does not count written bytes, these are the bytes that the server has read and not reported.
        """
        if self.written is not None:
            return self.unechoed_since
        return self.read_since if self.bytes_read is not None and self.bytes_read > self.recv_bytes else 0

    @property
    def has_its_echo(self) -> bool:
        """Whether our client, or the kernel, shows that nothing is under way, whatever the server has reported."""
        return (self.client is not None and not self.sent_since) or self.settled_at > self.read_at

    def lose(self, at: int) -> None:
        """Note that records of it may be lost: what is missing must not make it a victim."""
        self.nothing_to_echo()
        self.read_at, self.bytes_read = at, None

    @property
    def incomplete(self) -> bool:
        """Whether records of it may be lost, so that messages and bytes are lower bounds."""
        return self.bytes_read is None

    @property
    def none_read_since(self) -> int:
        """Since when (ns) bytes have waited with none of them read; 0 if no bytes wait or they may all have been read
        since."""
        return max(self.unread_since, self.read_at) if self.unread_since and self.read_at <= self.unread_at else 0

    @property
    def came_at(self) -> int:
        """Since when (ns) the bytes of the server's next record have waited; 0 if nothing is known to wait."""
        if self.unread_since and (since := self.none_read_since):
            return since
        return self.unwritten_since

    def _has_read(self, at: int) -> None:
        if self.client is None:
            self.remember(self.came_at, at, State.WAITING)
        self.read_at = at

    def _end_waits(self, at: int) -> None:
        if not self.accepted_at:
            self.remember(self.pending_since, at, State.QUEUED)
        elif self.waiting_since:
            self.remember(self.pending_since, at, State.WAITING)

    def copy(self) -> "Connection":
        """Return a copy that no longer changes."""
        twin = Connection.__new__(Connection)
        for name in Connection.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.activity = self.activity.copy()
        twin.waits = self.waits if isinstance(self.waits, tuple) else self.waits.copy()
        return twin
