"""A session from a stream that arrives on a descriptor, as `echo-tui watch --json` writes it on another machine."""

import os
import time
from collections.abc import Iterator

from echo_tui.model.observations import Observation, SourceText
from echo_tui.observers.pipe import LinePipe, decode
from echo_tui.run.reading import LONGEST_LINE
from echo_tui.run.replay import NOT_OBSERVED, TEXTS, header_of
from echo_tui.run.viewed import Viewed
from echo_tui.session.folding import fold

BUDGET = 0.03
"""Seconds for a turn to fold what has arrived."""


class Streamed(Viewed):
    """The source of a stream. Raises BadRequest if its first line is no header."""

    badge = "REMOTE"

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        os.set_blocking(descriptor, True)
        first = bytearray()
        while not first.endswith(b"\n") and len(first) < LONGEST_LINE and (byte := os.read(descriptor, 1)):
            first += byte
        self.header = header_of(bytes(first), "stdin")
        self._offset = time.monotonic_ns() - self.header.at
        """What to subtract from our clock to get that of the machine that writes the stream."""
        self._latest = self.header.at
        self._pipe = LinePipe(descriptor, LONGEST_LINE)
        self._found: Iterator[Observation] = iter(())

    @property
    def ended(self) -> bool:
        """Whether the stream has ended."""
        return self._pipe.ended

    def clock(self) -> int:
        """Return the time (ns) of the machine that writes the stream; after its end, that of the last observation."""
        if not self.ended:
            self._latest = time.monotonic_ns() - self._offset
        return self._latest

    def drain(self) -> int:
        """Fold what has arrived, for a limited time. Return the number of observations."""
        until, count = time.monotonic() + BUDGET, 0
        while time.monotonic() < until and (one := self._next()) is not None:
            if isinstance(one, SourceText) and len(self.texts) < TEXTS:
                self.texts[one.file] = one.text
            self.session = fold(self.session, one)
            count += 1
        if count:
            self.stall_snapshots.keep(self.session, self.clock())
        return count

    def close(self) -> None:
        """Close the descriptor."""
        self._pipe.close()

    def _next(self) -> Observation | None:
        """Return the next observation that has arrived; None if there is none yet."""
        if (found := next(self._found, None)) is not None:
            return found
        lines = self._pipe.read().splitlines(keepends=True)
        self._found = iter(decode(b"".join(line for line in lines if not line.startswith(NOT_OBSERVED)), LONGEST_LINE))
        return next(self._found, None)
