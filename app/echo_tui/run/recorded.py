"""A session from a stream of JSON Lines: a recording, played by the clock, or what another machine writes now."""

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import msgspec
from echo_servers.catalog import BY_NAME, Pattern
from echo_servers.server import BadRequest

from echo_tui.model.observations import DECODER, Garbled, Observation
from echo_tui.observers.pipe import LONGEST, LinePipe, decode
from echo_tui.run.arming import Arming
from echo_tui.run.live import Plan
from echo_tui.run.strace_view import StraceView
from echo_tui.run.stream import SCHEMA, Header
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots

BUDGET = 0.03
"""Seconds that a turn may take to fold what is due."""
NOT_OBSERVED = (b'{"type":"stall"', b'{"type":"summary"', b'{"type":"header"')
"""How lines begin that follow from the observations."""
SLOWEST, FASTEST = 0.1, 100.0


class Recorded:
    """A recording (`file`), or a stream that arrives on a descriptor. Nothing can be started, armed or opened."""

    starts = False

    def __init__(self, lines: "File | Arriving", speed: float = 1.0, begin: float = 0.0) -> None:
        """`speed` is how many seconds of a recording pass in one; `begin` seconds are folded at once."""
        self.plan = Plan()
        self.session = Session()
        self.pattern: Pattern | None = BY_NAME.get(lines.header.target)
        self.block, self.strace_view, self.output_held = Arming(None), StraceView(), False
        self.stall_snapshots = StallSnapshots()
        self.speed, self.paused = min(max(speed, SLOWEST), FASTEST), False
        self.present: list[int] = []
        self.clients = 0
        self._lines = lines
        self._played = lines.header.at + int(begin * 1e9)
        self._since = time.monotonic_ns()
        self._next: Observation | None = None

    @property
    def badge(self) -> str:
        """What kind of session it is."""
        return self._lines.badge

    @property
    def running(self) -> bool:
        """Whether the server of the session has not ended in it."""
        return bool(self.session.server and self.session.server.running)

    @property
    def listening(self) -> bool:
        """Whether a client of ours could connect: never."""
        return False

    def clock(self) -> int:
        """Return the time (ns) of the session: that of a recording, or of the machine that writes the stream."""
        if (offset := self._lines.offset) is not None:
            return time.monotonic_ns() - offset
        now = time.monotonic_ns()
        if not self.paused:
            self._played += int((now - self._since) * self.speed)
        self._since = now
        return self._played

    def pause(self) -> None:
        """Pause a recording, or play on."""
        self.clock()
        self.paused = not self.paused

    def drain(self) -> int:
        """Fold what is due, for a limited time. Return the number of observations."""
        now, until, count = self.clock(), time.monotonic() + BUDGET, 0
        while time.monotonic() < until:
            if self._next is None:
                self._next = self._lines.next()
            if self._next is None or (self._lines.offset is None and self._next.at > now):
                break
            self.session.apply(self._next)
            self._next, count = None, count + 1
        if count:
            self.stall_snapshots.keep(self.session, now)
        return count

    def look(self) -> None:
        """Nothing is sampled: the stream has the samples."""

    def sample(self) -> None:
        """Nothing is sampled: the stream has the samples."""

    def lag(self, late: int) -> None:
        """The lag of the dashboard is not one of the recorded run."""

    def close(self) -> None:
        """Close the stream."""
        self._lines.close()


class File:
    """A recording: JSON Lines, compressed if its name ends in `.gz`. Raises BadRequest if it can't be read."""

    badge = "REPLAY"
    offset: int | None = None
    """What to subtract from our clock to have that of the stream; None where the recording has its own."""

    def __init__(self, path: str) -> None:
        try:
            if not Path(path).is_file():
                raise BadRequest(f"{path}: {'not a regular file' if Path(path).exists() else 'no such file'}")
            opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # noqa: SIM115
            self._file = cast(IO[bytes], opened)
            self.header = header_of(self._file.readline(LONGEST), path)
        except (OSError, EOFError) as error:
            raise BadRequest(f"{path}: {error}") from None

    def next(self) -> Observation | None:
        """Return the next observation; None at the end. A line that is none is counted in a `Garbled`."""
        try:
            for line in iter(lambda: self._file.readline(LONGEST), b""):
                if not line.endswith(b"\n"):  # cut off, or longer than any record
                    continue
                if not line.startswith(NOT_OBSERVED):
                    return _observation(line)
        except (OSError, EOFError):
            return None
        return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Arriving:
    """A stream on a descriptor, as `echo-tui watch --json` writes it. Raises BadRequest if it is none."""

    badge = "REMOTE"
    offset: int | None

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, True)
        first = bytearray()
        while not first.endswith(b"\n") and len(first) < LONGEST and (byte := os.read(descriptor, 1)):
            first += byte
        self.header = header_of(bytes(first), "stdin")
        self.offset = time.monotonic_ns() - self.header.at
        self._pipe = LinePipe(descriptor)
        self._found: Iterator[Observation] = iter(())

    def next(self) -> Observation | None:
        """Return the next observation that has arrived; None if there is none now."""
        if (found := next(self._found, None)) is not None:
            return found
        lines = self._pipe.read().splitlines(keepends=True)
        self._found = iter(decode(b"".join(line for line in lines if not line.startswith(NOT_OBSERVED))))
        return next(self._found, None)

    def close(self) -> None:
        """Close the descriptor."""
        self._pipe.close()


def header_of(line: bytes, name: str) -> Header:
    """Return the header of a stream. Raises BadRequest with one sentence if it is none of ours."""
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest(f"{name}: no recording of echo-tui: its first line is no header") from None
    if header.schema != SCHEMA:
        raise BadRequest(f"{name}: a recording of schema {header.schema}; this echo-tui reads schema {SCHEMA}")
    return header


def _observation(line: bytes) -> Observation:
    try:
        found: Observation = DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Garbled(0, 1)
    return found
