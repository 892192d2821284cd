"""What a client sends: its messages, and the outbox that says which one is next."""

from collections import deque

import msgspec

SECOND = 1_000_000_000
GRID = 1_000_000
"""Chatter is due on whole milliseconds, so that a large crowd wakes once for several messages."""
GOLDEN = 0.6180339887
WAITING_LIMIT = 64
"""Lines and bursts that wait in one outbox; beyond that they are refused."""


class Message(msgspec.Struct, gc=False):
    """`size` bytes: `head`, padded with dots before its last byte; `since` is when its round trip began (ns)."""

    since: int
    head: bytes
    size: int

    def data(self) -> bytes:
        """The bytes on the wire. They are built when needed, so a message that is under way takes little memory."""
        if len(self.head) == self.size:
            return self.head
        return self.head[:-1].ljust(self.size - 1, b".") + self.head[-1:]


class Burst(msgspec.Struct, gc=False):
    """`count` messages of `size` bytes yet to be sent."""

    count: int
    size: int


class Chatter:
    """The clock of one client's chatter: a message each `interval` ns, whatever becomes of the ones before.

    Clients begin at different moments of the interval, spread evenly by their numbers.
    """

    def __init__(self, client: int, per_second: float, size: int, now: int) -> None:
        self.size = size
        self._client = client
        self._interval = max(GRID, round(SECOND / per_second))
        self.restart(now)

    def restart(self, now: int) -> None:
        """Begin anew, at most an interval from now."""
        self._next = now + int(self._interval * (self._client * GOLDEN % 1))

    @property
    def due(self) -> int:
        """When the next message is to be sent."""
        return -(-self._next // GRID) * GRID

    def advance(self) -> None:
        """The message that was due has been taken."""
        self._next += self._interval


class Outbox:
    """What one client has yet to send: lines and bursts in the order of asking, then chatter that is due."""

    def __init__(self, client: int) -> None:
        self.chatter: Chatter | None = None
        self._client = client
        self._count = 0
        self._asked: deque[bytes | Burst] = deque()

    def put(self, what: bytes | Burst) -> bool:
        """Add a line or a burst; False when too many wait already."""
        if len(self._asked) >= WAITING_LIMIT:
            return False
        self._asked.append(what)
        return True

    def forget(self) -> None:
        """Drop the lines and bursts that wait."""
        self._asked.clear()

    def take(self, now: int) -> Message | None:
        """The next message; None when nothing is asked for or due.

        The round trip of a line or burst begins when it is sent (now), that of chatter when it was due.
        """
        if self._asked:
            return self._take_asked(self._asked[0], now)
        if self.chatter is None or (due := self.chatter.due) > now:
            return None
        self.chatter.advance()
        return self._numbered("hello", due, self.chatter.size)

    def _take_asked(self, asked: bytes | Burst, now: int) -> Message:
        if isinstance(asked, bytes):
            self._asked.popleft()
            return Message(now, asked, len(asked))
        asked.count -= 1
        if not asked.count:
            self._asked.popleft()
        return self._numbered("burst", now, asked.size)

    def _numbered(self, word: str, since: int, size: int) -> Message:
        self._count += 1
        text = b"%s %d from %d" % (word.encode(), self._count, self._client)
        return Message(since, text[: size - 1] + b"\n", size)
