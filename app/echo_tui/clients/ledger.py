"""What is under way on one connection: sent, and not completely echoed."""

from collections import deque

from echo_servers.records import PREVIEW, preview

from echo_tui.clients.messages import Message
from echo_tui.model.observations import ClientEcho

MESSAGES = 2048
"""Messages that one client may have under way; further ones wait their turn."""
BYTES = 128 * 1024 * 1024
"""Bytes from which a client sends no further message.

More than any server here and the kernel's buffers of both ends hold, so that a client that doesn't read can fill them.
"""


class Ledger:
    """Messages under way, oldest first: whatever comes back belongs to them by its place in the stream of bytes.

    A server that loses or adds a byte therefore spoils every message after it as well.
    """

    def __init__(self, client: int) -> None:
        self._client = client
        self._away: deque[Message] = deque()
        self._bytes = 0
        self._got = 0
        self._head = b""
        self._intact = True

    def clear(self) -> None:
        """The connection is over, and nothing will come back."""
        self._away.clear()
        self._bytes = 0
        self._await_next()

    @property
    def full(self) -> bool:
        """Whether a further message has to wait."""
        return len(self._away) >= MESSAGES or self._bytes >= BYTES

    def sent(self, message: Message) -> None:
        """A message has begun to go out."""
        self._away.append(message)
        self._bytes += message.size

    def returned(self, data: bytes, at: int) -> list[ClientEcho]:
        """Add bytes received at `at` (ns), and return the messages that they complete.

        Bytes that were never sent count as an echo of their own, with a round trip of 0 and not intact.
        """
        if not self._got and self._away and self._away[0].data() == data:
            return [self._whole(at, preview(data), True)]
        echoes: list[ClientEcho] = []
        start = 0
        while start < len(data) and self._away:
            oldest = self._away[0]
            part = data[start : start + oldest.size - self._got]
            start += len(part)
            self._compare(oldest, part)
            if self._got == oldest.size:
                echoes.append(self._whole(at, preview(self._head), self._intact))
                self._await_next()
        if start < len(data):
            extra = data[start:]
            echoes.append(ClientEcho(at, self._client, len(extra), preview(extra), 0, 0, intact=False))
        return echoes

    def _compare(self, message: Message, part: bytes) -> None:
        end = self._got + len(part)
        if self._intact and message.data()[self._got : end] != part:
            self._intact = False
        if self._got < PREVIEW:
            self._head += part[: PREVIEW - self._got]
        self._got = end

    def _await_next(self) -> None:
        self._got = 0
        self._head = b""
        self._intact = True

    def _whole(self, at: int, head: str, intact: bool) -> ClientEcho:
        message = self._away.popleft()
        self._bytes -= message.size
        waiting_since = self._away[0].since if self._away else 0
        return ClientEcho(at, self._client, message.size, head, at - message.since, waiting_since, intact)
