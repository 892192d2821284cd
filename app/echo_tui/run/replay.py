"""A recording in memory: its observations by number, and checkpoints from which a session at any time is folded.

It is read ahead a little in each turn, so that a long recording opens at once. A checkpoint is a pickled session;
nothing that comes from the file is ever unpickled.
"""

import pickle
import time
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import msgspec
from echo_servers.server import BadRequest

from echo_tui.diagnosis.report import StallReporter
from echo_tui.model.observations import (
    Observation,
    ServerExited,
    SessionBegan,
    SocketSample,
    SourceText,
    Unavailable,
)
from echo_tui.observers.pipe import decode
from echo_tui.run.header import SCHEMA, StreamHeader
from echo_tui.run.reading import LONGEST_LINE, LineReader
from echo_tui.session.folding import advanced, fold
from echo_tui.session.session import Session

NOT_OBSERVED = (b'{"type":"stall"', b'{"type":"pending"', b'{"type":"summary"', b'{"type":"header"')
"""The first bytes of lines that are no observations: derived lines, and headers."""
APART = 20_000
"""Observations between two checkpoints: at most this many are folded to go to any position."""
SESSIONS = 200
"""The limit of checkpoints; with more, every other one is dropped."""
RAW = 128 << 20
"""Up to this much (bytes) is kept uncompressed; the rest is compressed."""
LARGEST = 1 << 30
"""A recording that needs more memory than this (bytes) is read no further."""
DECODED = 4
"""The number of pieces kept decoded."""
NOTABLE = frozenset((SessionBegan, SourceText, SocketSample, ServerExited, Unavailable))
"""Observations after which new files and stalls are searched for."""
TEXTS = 64
"""The limit of source files."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive observations. `begin` and `end` are times (ns), which never decrease from piece to piece."""

    first: int
    count: int
    begin: int
    end: int
    lines: bytes
    packed: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A stall: the number of observations after which it is reported with its line (or without one), and the time."""

    position: int
    at: int
    number: int
    """The stall's number in its session."""


class Replay:
    """A recording. Raises BadRequest if the file can't be read or is no recording."""

    def __init__(self, path: str) -> None:
        self._reader = LineReader(path)
        self.header, lines = _header(self._reader, path)
        self.total = 0
        """The number of observations read so far."""
        self.begin = self.header.begin or self.header.at
        """The time (ns) at which it begins; earlier state is kept only as far as later observations need it."""
        self.end = self.begin
        """The time (ns) of the latest observation read so far."""
        self.complete = False
        self.too_large = False
        self.stalls: list[Mark] = []
        self.texts: dict[str, str] = {}
        """The source files in the recording, by name."""
        self._pieces: list[Piece] = []
        self._size = 0
        self._session, self._reporter = Session(), StallReporter()
        self._news: object = None
        """The stalls of the session as of the last check."""
        self._opened: dict[int, int] = {}
        """The index in `stalls` of the current session's stalls, by their numbers."""
        self._checkpoints: list[tuple[int, bytes]] = [(0, pickle.dumps(Session(), pickle.HIGHEST_PROTOCOL))]
        self._apart = APART
        self._piece = lru_cache(maxsize=DECODED)(self._decode)
        self._add(lines)

    @property
    def damaged(self) -> bool:
        """Whether the file is truncated or damaged."""
        return self._reader.damaged

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return 1.0 if self.complete else min(self._reader.read / self._reader.size, 1.0)

    def read_ahead(self, seconds: float) -> bool:
        """Read on for this many seconds. Return whether the end has been reached."""
        until = time.monotonic() + seconds
        while not self.complete and time.monotonic() < until:
            lines = self._reader.lines()
            self.too_large = self._size > LARGEST
            if not lines or self.too_large:
                self.complete = True
                self._reader.close()
                self._session = Session()  # it is no longer needed
                break
            self._add(lines)
        return self.complete

    def position_at(self, at: int) -> int:
        """Return the number of observations up to a time (ns)."""
        place = bisect_right(self._pieces, at, key=lambda piece: piece.begin) - 1
        if place < 0:
            return 0
        piece, latest = self._pieces[place], self._pieces[place].begin
        for number, one in enumerate(self._piece(place)):
            latest = advanced(latest, one.at)
            if latest > at:
                return piece.first + number
        return piece.first + piece.count

    def session_at(self, position: int) -> Session:
        """Return a new session, folded from the first `position` observations."""
        place = bisect_right(self._checkpoints, position, key=lambda checkpoint: checkpoint[0]) - 1
        first, pickled = self._checkpoints[place]
        session: Session = pickle.loads(pickled)
        for one in islice(self.observations(first), position - first):
            session = fold(session, one)
        return session

    def observations(self, position: int) -> Iterator[Observation]:
        """Yield the observations from this number on."""
        place = bisect_right(self._pieces, position, key=lambda piece: piece.first) - 1
        for number in range(max(place, 0), len(self._pieces)):
            piece = self._pieces[number]
            yield from islice(self._piece(number), max(position - piece.first, 0), None)

    def backwards(self, position: int) -> Iterator[tuple[int, Observation]]:
        """Yield the observations before this number with their numbers, the latest first."""
        place = bisect_right(self._pieces, position - 1, key=lambda piece: piece.first) - 1
        for number in range(place, -1, -1):
            first, found = self._pieces[number].first, self._piece(number)
            for offset in range(min(position - first, len(found)) - 1, -1, -1):
                yield first + offset, found[offset]

    def close(self) -> None:
        """Close the file; nothing more is read."""
        self.complete = True
        self._reader.close()

    def _add(self, lines: bytes) -> None:
        found, lines = _observations(lines)
        if not found:
            return
        if not (self.total or self.header.begin):
            self.begin = self.end = advanced(self.header.at, found[0].at)
        begin = self.end if self.total else self.begin
        session, end = self._session, self.end
        for number, one in enumerate(found, self.total):
            at = one.at
            if at > end:
                end = advanced(end, at)
            session = fold(session, one)
            if type(one) in NOTABLE:
                self._session, self.end = session, end
                self._note(number, one)
        self._session, self.end = session, end
        packed = self._size > RAW
        kept = zlib.compress(lines, 1) if packed else lines
        self._size += len(kept)
        self._pieces.append(Piece(self.total, len(found), advanced(begin, found[0].at), self.end, kept, packed))
        self.total += len(found)
        if self.total - self._checkpoints[-1][0] >= self._apart:
            self._checkpoints.append((self.total, pickle.dumps(self._session, pickle.HIGHEST_PROTOCOL)))
            if len(self._checkpoints) > SESSIONS:
                self._checkpoints = self._checkpoints[::2]
                self._apart *= 2

    def _note(self, number: int, one: Observation) -> None:
        """Note source files, and stalls that have changed."""
        if isinstance(one, SessionBegan):
            self._reporter, self._opened, self._news = StallReporter(), {}, None
        elif isinstance(one, SourceText) and len(self.texts) < TEXTS:
            self.texts.setdefault(one.file, one.text)
        before, self._news = self._news, self._session.stalls.news
        if self._news != before:
            for report in self._reporter.report(list(self._session.stalls.all), one.at):
                self._mark(number + 1, report.event, report.id)

    def _mark(self, position: int, event: str, number: int) -> None:
        if event == "opened":
            self._opened[number] = len(self.stalls)
            self.stalls.append(Mark(position, self.end, number))
        elif event == "located" and (place := self._opened.get(number)) is not None:
            self.stalls[place] = Mark(position, self.end, number)

    def _decode(self, place: int) -> list[Observation]:
        piece = self._pieces[place]
        return decode(zlib.decompress(piece.lines) if piece.packed else piece.lines, LONGEST_LINE, 0)


def header_of(line: bytes, name: str) -> StreamHeader:
    """Return the header of a stream. Raises BadRequest with one sentence if it is no recording of ours."""
    try:
        header = msgspec.json.decode(line, type=StreamHeader)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest(f"{name}: no recording of echo-tui: its first line is no header") from None
    if header.schema != SCHEMA:
        raise BadRequest(f"{name}: a recording of schema {header.schema}; this echo-tui reads schema {SCHEMA}")
    return header


def _header(reader: LineReader, name: str) -> tuple[StreamHeader, bytes]:
    """Return the header, and the other lines of the first piece."""
    line, _, rest = reader.lines().partition(b"\n")
    if reader.damaged and not line:
        raise BadRequest(f"{name}: it is damaged, or no recording of echo-tui")
    return header_of(line[:LONGEST_LINE], name), rest


def _observations(lines: bytes) -> tuple[list[Observation], bytes]:
    """Return the observations in complete lines, and their lines alone."""
    if any(mark in lines for mark in NOT_OBSERVED):
        lines = b"".join(line for line in lines.splitlines(keepends=True) if not line.startswith(NOT_OBSERVED))
    return decode(lines, LONGEST_LINE, 0), lines
