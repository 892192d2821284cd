"""On which line of code each thread of the server is: asked for by a signal, answered into a file by faulthandler.

A file and not a pipe, because nobody can fill it up and hold the server; one process is asked at a time, because
all of them append to it. The answer comes within a millisecond of the process's getting a core, and is read at the
next look.
"""

import bisect
import contextlib
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping

from app.session.observations import Frame, Stack, StackSample
from servers.stacks import SIGNAL

HEADER = re.compile(r"^(?:Current thread|Thread) 0x([0-9a-f]+).*\(most recent call first\):$")
FRAME = re.compile(r'^  File "(.*)", line (\d+|\?\?\?) in (.*)$')
DEPTH = 12
"""Calls of a stack that are kept, the innermost ones."""
MOST = 100
"""Threads that faulthandler writes of at most."""
LARGEST = 1 << 20
PATIENCE = 2_000_000_000
"""How long (ns) an answer is waited for before somebody else may be asked."""
STEADY = 100_000_000
"""An answer that has not grown for so long (ns) is whole."""
FARTHEST = 64 << 20
"""A thread's descriptor (its pthread_t) lies above its stack, by no more than a stack's size (bytes)."""
CAUGHT = re.compile(rb"^SigCgt:\t([0-9a-f]+)", re.MULTILINE)


class Stacks:
    """The stacks of one server's processes, one process at a time."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the server
        fcntl.fcntl(self.fd, fcntl.F_SETFL, fcntl.fcntl(self.fd, fcntl.F_GETFL) | os.O_APPEND)
        self._asked = self._since = self._length = self._grown_at = 0
        self._known: dict[int, dict[int, int]] = {}

    @property
    def fd(self) -> int:
        """The file that the server is to write to."""
        return self._file.fileno()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._asked) and time.monotonic_ns() - self._since < PATIENCE

    def ask(self, pid: int) -> bool:
        """Ask a process for its stacks; whether it was asked, for it must have the handler."""
        if self.busy or not answers(pid):
            return False
        os.ftruncate(self.fd, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, SIGNAL)
            self._asked, self._since, self._length = pid, time.monotonic_ns(), 0
            return True
        return False

    def read(self, stack_pointers_of: Callable[[int], Mapping[int, int]]) -> StackSample | None:
        """The answer, if it is there and whole: a stack for each of the threads whose stack's place can be told."""
        if not self._asked:
            return None
        stack_pointers = stack_pointers_of(self._asked)
        text = os.pread(self.fd, LARGEST, 0).decode(errors="replace")
        dumped = parse(text)
        now = time.monotonic_ns()
        if len(text) != self._length:
            self._length, self._grown_at = len(text), now
        # There may be threads by now that there were not when it answered.
        whole = len(dumped) >= min(len(stack_pointers), MOST) or now - self._grown_at >= STEADY
        if not (stack_pointers and dumped and text.endswith("\n") and whole):
            return None
        pid, self._asked = self._asked, 0
        tids = identify(list(dumped), stack_pointers, pid, self._known.setdefault(pid, {}))
        found = [Stack(tids[ident], frames) for ident, frames in dumped.items() if ident in tids]
        return StackSample(self._since, pid, found)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def answers(pid: int) -> bool:
    """Whether a process catches the signal (proc(5)); where that can't be told, no."""
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            caught = CAUGHT.search(status.read())
    except OSError:
        return False
    return bool(caught and int(caught[1], 16) >> (SIGNAL - 1) & 1)


def parse(text: str) -> dict[int, list[Frame]]:
    """The stacks in faulthandler's words, by the thread's identity (pthread_self(3)), newest thread first."""
    found: dict[int, list[Frame]] = {}
    frames: list[Frame] = []
    for line in text.splitlines():
        if header := HEADER.match(line):
            frames = found[int(header[1], 16)] = []
        elif (frame := FRAME.match(line)) and len(frames) < DEPTH:
            frames.append(Frame(frame[1], int(frame[2]) if frame[2].isdecimal() else 0, frame[3]))
    return found


def identify(idents: list[int], stack_pointers: Mapping[int, int], pid: int, known: dict[int, int]) -> dict[int, int]:
    """Which identity is which native thread: the C library keeps a thread's descriptor right above its stack.

    What is found so is remembered in `known`. The first thread's stack lies elsewhere, and that of a thread that has
    not been seen waiting is not known: those are told by elimination, in the order of their age. `idents` are given
    newest first.
    """
    ordered = sorted(idents)
    nearest: dict[int, tuple[int, int]] = {}
    for tid, pointer in stack_pointers.items():
        place = bisect.bisect(ordered, pointer)
        if pointer and tid != pid and place < len(ordered) and ordered[place] - pointer < FARTHEST:
            found = (ordered[place] - pointer, tid)
            nearest[ordered[place]] = min(nearest.get(ordered[place], found), found)
    certain = {ident: tid for ident, (_, tid) in nearest.items()}
    taken = set(certain.values())
    certain.update(
        (i, tid)
        for i, tid in known.items()
        if i in idents and i not in certain and tid in stack_pointers.keys() - taken
    )
    known.clear()
    known.update(certain)
    taken = set(certain.values())
    left = [ident for ident in reversed(idents) if ident not in certain]
    rest = sorted(stack_pointers.keys() - taken)
    if len(left) != len(rest):  # threads have come or gone since: the first one alone is the oldest for certain
        left, rest = left[:1], rest[:1] if rest[:1] == [pid] else []
    return certain | dict(zip(left, rest, strict=False))
