"""The stacks of a Python process without our handler, by py-spy where that is installed.

It reads the process's memory without stopping it, in about 10 ms of a core, and is asked no more often than a handler.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from echo_tui.model.evidence import Frame, Stack
from echo_tui.model.observations import StackSample

DEPTH = 12
TRIES = 5
"""After so many requests in a row without an answer a process is not asked again."""
PATIENCE = 5_000_000_000
"""How long (ns) to wait for an answer."""


class PySpyFrame(msgspec.Struct):
    """A frame in `py-spy dump --json`."""

    name: str
    filename: str
    line: int


class PySpyThread(msgspec.Struct):
    """A thread in `py-spy dump --json`."""

    frames: list[PySpyFrame]
    os_thread_id: int | None = None


DECODER = msgspec.json.Decoder(list[PySpyThread])


def command() -> str | None:
    """Return the path of py-spy: beside this interpreter, or on PATH; None if there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


class PySpy:
    """Asks one process at a time. `missing` says why it can't; empty while it can."""

    def __init__(self) -> None:
        self._command = command()
        self.missing = "" if self._command else "no handler in that process, and py-spy is not installed"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = self._since = 0
        self._refused: Counter[int] = Counter()
        """How often in a row a process has given no stacks; it is not asked for ever."""
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115 - a file, because a pipe could fill up

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._process is not None

    def ask(self, pid: int) -> bool:
        """Ask for a process's stacks. Return whether it was asked."""
        if self._command is None or self.busy or self._refused[pid] >= TRIES:
            return False
        self._answer.seek(0)
        self._answer.truncate()
        line = [self._command, "dump", "--json", "--nonblocking", "--pid", str(pid)]
        try:
            self._process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=self._answer, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            self._command, self.missing = None, f"py-spy can't be run: {error}"
            return False
        self._pid, self._since = pid, time.monotonic_ns()
        return True

    def read(self) -> StackSample | None:
        """Return the answer, if it has arrived."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            if time.monotonic_ns() - self._since > PATIENCE:
                self._end()
            return None
        self._process = None
        self._answer.seek(0)
        try:
            threads = DECODER.decode(self._answer.read())
        except msgspec.DecodeError:  # it printed nothing: not a Python process, or not ours to read
            self._refused[self._pid] += 1
            return None
        self._refused.pop(self._pid, None)
        return StackSample(self._since, self._pid, [_stack(t.os_thread_id, t) for t in threads if t.os_thread_id])

    def close(self) -> None:
        """End py-spy, if it still runs, and close the file."""
        self._end()
        self._answer.close()

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


def _stack(tid: int, thread: PySpyThread) -> Stack:
    return Stack(tid, [Frame(frame.filename, frame.line, frame.name) for frame in thread.frames[:DEPTH]])
