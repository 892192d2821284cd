"""A program in a pseudo-terminal: what it draws, and when."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Sequence

from tests.bench.figures import DidNotWork

WIDTH, HEIGHT = 160, 45
PATIENCE = 15.0
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-~])", re.DOTALL)


class Terminal:
    """A running program, and its output as a stream of words."""

    def __init__(self, command: Sequence[str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "ECHO_TUI_CONFIG": os.devnull}
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            environment.pop(name, None)
        self._changed = threading.Condition()
        self._chunks: list[tuple[float, bytes]] = []
        self.drawn = 0
        self.begun = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The program's pid."""
        return self._process.pid

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # Linux reports the end of a pseudo-terminal as EIO
                data = b""
            with self._changed:
                self._chunks.append((time.monotonic(), data))
                self.drawn += len(data)
                self._changed.notify_all()
            if not data:
                return

    def press(self, key: str) -> float:
        """Press a key, and return when; `wait` considers only what is drawn afterwards."""
        with self._changed:
            self._chunks.clear()
        at = time.monotonic()
        os.write(self._master, key.encode())
        return at

    def wait(self, shown: Callable[[str], bool], what: str, patience: float = PATIENCE) -> float:
        """Wait until the output since the last key satisfies `shown`; return when it did."""
        deadline = time.monotonic() + patience
        seen, drawn = 0, b""
        with self._changed:
            while True:
                for at, data in self._chunks[seen:]:
                    drawn += data
                    if shown(ESCAPES.sub(b"", drawn).decode(errors="replace")):
                        return at
                    if not data:
                        words = " ".join(ESCAPES.sub(b" ", drawn).decode(errors="replace").split())
                        raise DidNotWork(f"the program ended before {what}: {words[-300:]}")
                seen = len(self._chunks)
                if not self._changed.wait(deadline - time.monotonic()):
                    raise DidNotWork(f"never seen: {what}")

    def forget(self) -> None:
        """Drop the output so far, so that it does not accumulate in a long measurement."""
        with self._changed:
            self._chunks.clear()

    def rest(self, seconds: float) -> None:
        """Let the program run for this many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 1.0))
            self.forget()

    def end(self) -> None:
        """End the program with SIGTERM; kill it if it does not end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise DidNotWork("the dashboard did not end when it was told to") from None
        finally:
            self._reader.join(1.0)
            os.close(self._master)
