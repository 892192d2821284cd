"""The messages of a client, and the outbox that decides which one is next."""

from collections import deque

import msgspec

SECOND = 1_000_000_000
GRID = 5_000_000
"""A load is due at whole multiples of this (ns), so that many clients wake once for several messages.

Of 1,000 clients with ten messages a second fifty are due together, and the last one goes out some 0.5 ms late.
"""
GOLDEN = 0.6180339887
SMALL = 256
"""Bytes up to which a message is kept as it is, instead of being built when needed."""
WAITING_LIMIT = 64
"""Lines and bursts that wait in one outbox; beyond that they are refused."""


class Message(msgspec.Struct, gc=False):
    """`size` bytes: `head`, padded with dots before its last byte; `since` is when its round trip began (ns)."""

    since: int
    head: bytes
    size: int

    def data(self) -> bytes:
        """The bytes on the wire. Large ones are built when needed, so that many under way take little memory."""
        return self.head if len(self.head) == self.size else padded(self.head, self.size)


def padded(head: bytes, size: int) -> bytes:
    """`head`, with dots before its last byte."""
    return head[:-1].ljust(size - 1, b".") + head[-1:]


class PendingBurst(msgspec.Struct, gc=False):
    """`count` messages of `size` bytes yet to be sent."""

    count: int
    size: int


class LoadClock:
    """The clock of one client's load: a message each `interval` ns, whatever happened to the ones before.

    Clients begin at different times of the interval, spread evenly by their numbers. `due` is when the next message is
    to be sent.
    """

    def __init__(self, client: int, per_second: float, size: int, now: int) -> None:
        self.size = size
        self._client = client
        self._interval = round(SECOND / per_second)
        self._grid = GRID if self._interval > GRID else 1
        self.restart(now)

    def restart(self, now: int) -> None:
        """Begin anew, at most an interval from now."""
        self._next = now + int(self._interval * (self._client * GOLDEN % 1))
        self._set_due()

    def advance(self) -> None:
        """Note that the message that was due has been sent."""
        self._next += self._interval
        self._set_due()

    def _set_due(self) -> None:
        self.due = -(-self._next // self._grid) * self._grid


class Outbox:
    """What one client has yet to send: lines and bursts in the order of asking, then chatter that is due."""

    def __init__(self, client: int) -> None:
        self.chatter: LoadClock | None = None
        self._client = client
        self._count = 0
        self._asked: deque[bytes | PendingBurst] = deque()

    def put(self, what: bytes | PendingBurst) -> bool:
        """Add a line or a burst; False when too many wait already."""
        if len(self._asked) >= WAITING_LIMIT:
            return False
        self._asked.append(what)
        return True

    def forget(self) -> None:
        """Drop the lines and bursts that wait."""
        self._asked.clear()

    def has_more(self, now: int) -> bool:
        """Whether `take` has a message."""
        return bool(self._asked) or (self.chatter is not None and self.chatter.due <= now)

    def take(self, now: int) -> Message | None:
        """Return the next message; None if none is requested or due.

        The round trip of a line or burst begins now, that of a load when the message was due.
        """
        if self._asked:
            return self._take_asked(self._asked[0], now)
        chatter = self.chatter
        if chatter is None or chatter.due > now:
            return None
        due = chatter.due
        chatter.advance()
        return self._numbered(b"hello", due, chatter.size)

    def _take_asked(self, asked: bytes | PendingBurst, now: int) -> Message:
        if isinstance(asked, bytes):
            self._asked.popleft()
            return Message(now, asked, len(asked))
        asked.count -= 1
        if not asked.count:
            self._asked.popleft()
        return self._numbered(b"burst", now, asked.size)

    def _numbered(self, word: bytes, since: int, size: int) -> Message:
        self._count += 1
        head = b"%s %d from %d" % (word, self._count, self._client)
        head = head[: size - 1] + b"\n"
        return Message(since, padded(head, size) if size <= SMALL else head, size)
