"""Lines of source code as the screen shows them."""

import functools
from pathlib import Path, PurePath

from echo_tui.diagnosis.stall import Cause, Stall
from echo_tui.model.observations import Frame
from echo_tui.tui import text

UNBLAMED = (Cause.ONE_CLIENT, Cause.ALL_WORKERS_BUSY, Cause.BACKLOG, Cause.ALL_HELPERS_BUSY, Cause.NO_DESCRIPTORS)
"""Causes that lie in the architecture, not in a line of code."""
SHORT_LIVED = text.SECOND
"""A stall shorter than this (ns) may end before its thread has been asked for its stack and has answered."""
LARGEST = 1 << 20
"""A file larger than this (bytes) is not read."""


def file_line(frame: Frame) -> str:
    """Return the file name without its directory, and the line number."""
    return f"{PurePath(text.clean(frame.file)).name}:{frame.line}"


def source_line(frame: Frame) -> str:
    """Return the text of the line, or the function's name if the file can't be read."""
    return text.clean(_line(frame.file, frame.line)) or f"in {text.clean(frame.function)}"


def no_line(stall: Stall) -> tuple[str, ...]:
    """Return why an ended stall has no line of code, in ever fewer words; empty if it has one or needs none."""
    if not stall.end or stall.cause in UNBLAMED or (stall.culprit and stall.culprit.where):
        return ()
    if stall.lasted(stall.end) < SHORT_LIVED:
        return "over before it was asked", "over before asked", "too short"
    return ("its thread did not answer", "no answer") if stall.culprit else ()


@functools.lru_cache(maxsize=256)
def _line(file: str, number: int) -> str:
    """Return a line of a file, without indentation; empty if it can't be read."""
    lines = read_lines(file)
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def read_lines(file: str) -> list[str]:
    """Return the lines of a file; none if it can't be read or is too large, as a stack may name any file."""
    path = Path(file)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
