"""The current line of each thread of our own server: requested by a signal, written into a file by faulthandler.

It is a file, because a full pipe would block the server. One thread is asked at a time, because all append to the
file without an identification. Each answers within a fraction of a millisecond once it has a core, so the threads of
a process are asked one after the other in one sample, within its time budget.
"""

import ctypes
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterable

from echo_servers.stacks import SIGNAL

from echo_tui.model.evidence import Frame, Stack
from echo_tui.model.observations import StackSample
from echo_tui.words import evidence as words

HEADER = re.compile(r"^(?:Stack|Current thread 0x[0-9a-f]+.*) \(most recent call first\):$", re.MULTILINE)
FRAME = re.compile(r'^  File "(.*)", line (\d+|\?\?\?) in (.*)$')
OUTERMOST = ("_bootstrap", "_run_module_as_main", "_run_code")
"""The outermost calls of a thread; a stack that ends with one of them is complete."""
DEPTH = 12
"""The calls of a stack that are kept, the innermost ones."""
LARGEST = 1 << 18
PAUSE = 0.0002
"""Seconds between two checks for an answer."""
BUDGET = 0.003
"""Seconds that one sample may wait for answers."""
STEADY = 10_000_000
"""An answer that has not grown for this long (ns) is complete, however it ends."""
PATIENCE = 2_000_000_000
"""How long (ns) to wait for a thread's answer."""
CAUGHT = re.compile(rb"^SigCgt:\t([0-9a-f]+)", re.MULTILINE)


class Stacks:
    """The stacks of one server's threads, of one process at a time."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the server
        fcntl.fcntl(self.fd, fcntl.F_SETFL, fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_APPEND)
        self._tgkill = getattr(ctypes.CDLL(None, use_errno=True), "tgkill", None)
        self.missing = "" if self._tgkill else words.missing("no-tgkill")
        self._pid = self._began = self._since = self._grown_at = self._length = 0
        self._left: list[int] = []
        self._asked = 0
        self._found: list[Stack] = []
        self._disturbed: set[int] = set()

    @property
    def fd(self) -> int:
        """The file that the server writes to."""
        return self._file.fileno()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._pid)

    def ask(self, pid: int, tids: Iterable[int]) -> bool:
        """Ask these threads of a process, in order. Return False while busy, or if the process lacks our handler."""
        if self.busy or self.missing or not answers(pid):
            return False
        self._pid, self._left, self._found = pid, list(tids), []
        self._began = time.monotonic_ns()
        self._next()
        return True

    def disturbed(self) -> set[int]:
        """Return the threads asked since the last call, and the one that has not answered yet."""
        those, self._disturbed = self._disturbed, {self._asked} if self._pid else set()
        return those

    def read(self) -> StackSample | None:
        """Return the answers once all threads have answered or one is overdue."""
        end = time.monotonic() + BUDGET
        while self._pid:
            if self._asked and not self._answered() and os.path.exists(f"/proc/{self._pid}/task/{self._asked}"):
                if time.monotonic_ns() - self._since > PATIENCE:
                    self._left.clear()  # the next thread would find this one's late answer
                elif time.monotonic() < end:
                    time.sleep(PAUSE)
                    continue
                elif not self._length:
                    self._send(self._asked)  # a second signal is merged with the first while that is pending
                    return None
                else:
                    return None
            if not self._left:
                return self._sample()
            # A signal would be ignored while the previous thread is leaving its handler, which chains.
            time.sleep(PAUSE)
            self._next()
        return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _next(self) -> None:
        """Ask the next thread that still exists."""
        self._asked = 0
        while self._left and not self._asked:
            tid = self._left.pop(0)
            os.ftruncate(self.fd, 0)
            if self._send(tid):
                self._asked, self._since = tid, time.monotonic_ns()
                self._length, self._grown_at = 0, self._since

    def _send(self, tid: int) -> bool:
        """Send the signal to a thread. Return whether it exists."""
        assert self._tgkill
        self._disturbed.add(tid)
        return not self._tgkill(self._pid, tid, int(SIGNAL))

    def _answered(self) -> bool:
        """Read the answer of the thread that was asked, if it is complete."""
        text = os.pread(self.fd, LARGEST, 0).decode(errors="replace")
        now = time.monotonic_ns()
        if len(text) != self._length:
            self._length, self._grown_at = len(text), now
        frames, whole = parse(text)
        if not frames or not (whole or now - self._grown_at >= STEADY):
            return False
        self._found.append(Stack(self._asked, frames))
        return True

    def _sample(self) -> StackSample | None:
        pid, self._pid, self._asked = self._pid, 0, 0
        # The time of the request: every stack is newer, which matters for how long a thread has been on its line.
        return StackSample(self._began, pid, self._found) if self._found else None


def answers(pid: int) -> bool:
    """Return whether a process has our handler; False if that is unknown."""
    return catches(pid, SIGNAL)


def catches(pid: int, number: int) -> bool:
    """Return whether a process catches a signal (proc(5)); False if that is unknown."""
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            caught = CAUGHT.search(status.read())
    except OSError:
        return False
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


def parse(text: str) -> tuple[list[Frame], bool]:
    """Return the innermost calls of the last stack in faulthandler's output, and whether it is complete."""
    said = HEADER.split(text)
    found = [match for line in said[-1].splitlines() if (match := FRAME.match(line))] if len(said) > 1 else []
    frames = [Frame(match[1], int(match[2]) if match[2].isdecimal() else 0, match[3]) for match in found]
    whole = bool(frames) and frames[-1].function in OUTERMOST and text.endswith("\n")
    return frames[:DEPTH], whole
