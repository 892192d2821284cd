"""Internal errors: one line for the user, and the traceback in a file for a bug report."""

import tempfile
import traceback
from pathlib import Path

from echo_tui.words import notices

SOFTWARE = 70
"""The exit code for an internal error (EX_SOFTWARE, sysexits(3))."""


def write_traceback(error: BaseException) -> str:
    """Write the traceback to a file, and return one line that says what happened and names the file."""
    said = "".join(traceback.format_exception(error))
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "error.txt"
        path.write_text(said)
    except OSError:
        return notices.internal_error(type(error).__name__, str(error), "")
    return notices.internal_error(type(error).__name__, str(error), str(path))


def _folder() -> Path:
    try:
        from platformdirs import user_state_path

        return user_state_path("echo-tui")
    except RuntimeError:  # there is no home directory
        return Path(tempfile.gettempdir())
