"""Lines of source code as the screen shows them."""

import linecache
from pathlib import PurePath

from app.session.observations import Frame
from app.tui import text


def file_line(frame: Frame) -> str:
    """The file's own name, and the line."""
    return f"{PurePath(text.clean(frame.file)).name}:{frame.line}"


def source_line(frame: Frame) -> str:
    """The line's own text, or the function's name where the file can't be read."""
    return text.clean(linecache.getline(frame.file, frame.line).strip()) or f"in {text.clean(frame.function)}"
