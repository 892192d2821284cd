"""Lines of source code as the screen shows them."""

import functools
from collections.abc import Mapping
from pathlib import Path, PurePath

from echo_tui.diagnosis.stall import Cause, Stall
from echo_tui.model.evidence import Frame
from echo_tui.tui import text
from echo_tui.words import stall_list as words
from echo_tui.words.panels import in_function

UNBLAMED = (Cause.ONE_CLIENT, Cause.ALL_WORKERS_BUSY, Cause.BACKLOG, Cause.ALL_HELPERS_BUSY, Cause.NO_DESCRIPTORS)
"""Causes that lie in the architecture, not in a line of code."""
SHORT_LIVED = text.SECOND
"""A stall shorter than this (ns) may end before its thread has been asked for its stack and has answered."""
Texts = Mapping[str, str] | None
"""Source files by name; None where they are read from the disk."""
LARGEST = 1 << 20
"""A file larger than this (bytes) is not read."""


def file_line(frame: Frame) -> str:
    """Return the file name without its directory, and the line number."""
    return f"{PurePath(text.clean(frame.file)).name}:{frame.line}"


def source_line(frame: Frame, texts: Texts = None) -> str:
    """Return the text of the line, or the function's name if the file can't be read."""
    line = _line(frame.file, frame.line) if texts is None else _of(read_lines(frame.file, texts), frame.line)
    return text.clean(line) or in_function(text.clean(frame.function))


def no_line(stall: Stall) -> tuple[str, ...]:
    """Return why an ended stall has no line of code, in ever fewer words; empty if it has one or needs none."""
    if not stall.end or stall.cause in UNBLAMED or (stall.culprit and stall.culprit.where):
        return ()
    if stall.lasted(stall.end) < SHORT_LIVED:
        return words.no_line(too_short=True)
    return words.no_line(too_short=False) if stall.culprit else ()


@functools.lru_cache(maxsize=256)
def _line(file: str, number: int) -> str:
    """Return a line of a file, without indentation; empty if it can't be read."""
    return _of(read_lines(file), number)


def _of(lines: list[str], number: int) -> str:
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def read_lines(file: str, texts: Texts = None) -> list[str]:
    """Return the lines of a file; none if it can't be read or is too large, as a stack may name any file.

    With `texts` the disk is not read: the file may be another machine's.
    """
    if texts is not None:
        return texts.get(file, "").splitlines()
    path = Path(file)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
