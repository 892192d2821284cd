"""The commands to the client process: one JSON line each, on its standard input.

Clients are known by numbers that the sender chooses. An empty list means all of them. A number that is unknown, or
whose client is closed, is ignored.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

MESSAGE_LIMIT = 64 * 1024
"""Bytes that one message may have."""
RATE_LIMIT = 1000.0
"""Messages that one client may chatter in a second."""
BURST_LIMIT = 1_000_000
"""Messages in one burst of one client."""
FLOOD_LIMIT = 500
"""Connections in one flood."""
FLOOD_LONGEST = 120.0
"""Seconds that a flood may last."""

ClientNumbers = list[int]
Size = Annotated[int, Meta(ge=1, le=MESSAGE_LIMIT)]


class Command(msgspec.Struct, tag_field="type", frozen=True):
    """Any command to the client process."""


class Open(Command, tag="open", frozen=True):
    """Connect these clients to `host:port`. One that is open already stays as it is."""

    clients: ClientNumbers
    host: str
    port: int


class SendMessage(Command, tag="send", frozen=True):
    """Send one message; `data` has one character (U+0000 to U+00FF) a byte.

    A client that has much under way (see `ledger`), or isn't connected yet, keeps a few lines and bursts until it
    may send them, and refuses further ones with a note.
    """

    clients: ClientNumbers
    data: Annotated[str, Meta(min_length=1, max_length=MESSAGE_LIMIT)]


class Chatter(Command, tag="chatter", frozen=True):
    """From now on send `per_second` messages of `size` bytes by a clock that waits for no echo; 0 stops it.

    Their round trips count from when each was due, so that whatever holds them up is in the figure.
    """

    clients: ClientNumbers
    per_second: Annotated[float, Meta(ge=0, le=RATE_LIMIT)]
    size: Size


class Burst(Command, tag="burst", frozen=True):
    """Send `count` messages of `size` bytes as fast as the server reads them."""

    clients: ClientNumbers
    count: Annotated[int, Meta(ge=1, le=BURST_LIMIT)]
    size: Size


class Close(Command, tag="close", frozen=True):
    """End these connections: politely, so that the last echo still comes, or by a reset."""

    clients: ClientNumbers
    reset: bool


class Reopen(Command, tag="reopen", frozen=True):
    """Connect every client that was not closed on purpose to `host:port`; it keeps its number and its load."""

    host: str
    port: int


class StopConnecting(Command, tag="stop-connecting", frozen=True):
    """Connect no client until the next `Open` or `Reopen`; those that are still connecting give up and report `why`."""

    why: Annotated[str, Meta(max_length=200)]


class PauseReading(Command, tag="pause-reading", frozen=True):
    """Stop taking what the server sends, or go on; a paused client notices the server's end only when it goes on."""

    clients: ClientNumbers
    paused: bool


class HalfClose(Command, tag="half-close", frozen=True):
    """Close the sending side of these connections: what was sent is still echoed, and the rest is the server's turn."""

    clients: ClientNumbers


class Flood(Command, tag="flood", frozen=True):
    """Open `count` connections to `host:port` all at once, in place of an earlier flood; with 0 end that.

    They say nothing, have no numbers, and are closed after so many `seconds` at the latest.
    """

    host: str
    port: int
    count: Annotated[int, Meta(ge=0, le=FLOOD_LIMIT)]
    seconds: Annotated[float, Meta(gt=0, le=FLOOD_LONGEST)]


Asked = Open | SendMessage | Chatter | Burst | Close | Reopen | StopConnecting | PauseReading | HalfClose | Flood

DECODER: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
ENCODER = msgspec.json.Encoder()
