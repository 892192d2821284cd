"""A pseudo-terminal in which the real command runs; an emulator (pyte) interprets its output."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

PATIENCE = 30.0
LAST = 1 << 16


class Terminal:
    """`command` running in a pseudo-terminal, in its own session."""

    def __init__(self, command: list[str], width: int = 100, height: int = 30, cwd: Path | None = None) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
            if cwd:
                os.chdir(cwd)
            _set_size(0, width, height)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the shell that runs the tests may ignore it
            # Not execv: readline sets COLUMNS and LINES in the C environment.
            own = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_STATE_HOME": str(cwd or Path.cwd())}
            os.execve(command[0], command, kept | own)
        self.code: int | None = None
        self.last = b""
        """The last bytes written by the program."""

    def resize(self, width: int, height: int) -> None:
        """Change the terminal's size, as a window manager does."""
        _set_size(self.master, width, height)
        self.screen.resize(height, width)

    def press(self, keys: str) -> None:
        """Type these keys."""
        os.write(self.master, keys.encode())

    def read(self, seconds: float = 0.05) -> None:
        """Read and interpret output for at most this long."""
        if self.master < 0:
            time.sleep(seconds)
            return
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            with contextlib.suppress(OSError):
                data = os.read(self.master, 1 << 16)
                self.last = (self.last + data)[-LAST:]
                self._stream.feed(data)

    @property
    def text(self) -> str:
        """The text on the screen."""
        return "\n".join(self.screen.display)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Read until the condition holds."""
        limit = time.monotonic() + PATIENCE
        while not condition():
            self.read()
            assert time.monotonic() < limit, f"never came true: {what}:\n{self.text}"

    def shows(self, words: str) -> None:
        """Wait until these words are on the screen."""
        self.until(lambda: words in self.text, repr(words))

    def ended(self) -> bool:
        """Return whether the program has ended; `code` is then its exit code (negative for a signal)."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed."""
        os.close(self.master)
        self.master = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.master >= 0:
            self.hang_up()


def _set_size(fd: int, width: int, height: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def command() -> str:
    """Return the path of the installed command."""
    return str(Path(sys.executable).with_name("echo-tui"))
