"""The text of the source files in which stalls are located, once each, as observations for a recording."""

import time
from pathlib import Path

from echo_tui.diagnosis.stall import Stall
from echo_tui.model.observations import ENCODER, SourceText
from echo_tui.run.reading import LONGEST_LINE
from echo_tui.session.session import Session

LARGEST = 100_000
"""A file larger than this (bytes) is not read: its text must fit into one line of a recording."""
MOST = 64
"""The limit of files."""
ROOM = 10_000
"""Room for the rest of the line (bytes)."""
CALLS = 2
"""The number of the culprit's own calls whose files are recorded, innermost first."""


class SourceTexts:
    """Reads each file once."""

    def __init__(self) -> None:
        self._read: set[str] = set()
        self._seen: object = None

    def new(self, session: Session) -> list[SourceText]:
        """Return the files of lines found since the last call."""
        news = (id(session), session.stalls.news)
        if news == self._seen:
            return []
        self._seen = news
        return [text for stall in session.stalls.going.values() for text in self._of(stall)]

    def _of(self, stall: Stall) -> list[SourceText]:
        found = []
        for frame in stall.culprit.calls[:CALLS] if stall.culprit else []:
            if frame.file not in self._read and len(self._read) < MOST:
                self._read.add(frame.file)
                if text := _text(Path(frame.file)):
                    found.append(SourceText(time.monotonic_ns(), frame.file, text))
        return found


def _text(path: Path) -> str:
    """Return the text of a file; empty if it can't be read or is too large."""
    try:
        if path.is_file() and path.stat().st_size <= LARGEST:
            text = path.read_text(encoding="utf-8", errors="replace")
            return text if len(ENCODER.encode(text)) < LONGEST_LINE - ROOM else ""
    except OSError:
        pass
    return ""
