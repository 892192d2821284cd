"""The stacks of a foreign process: Python by py-spy, Node and Go by our own readers, Java by jcmd.

Each reader is a separate program, started only on suspicion, for one process at a time. py-spy and the reader of Go
read the memory of a process without pausing it; the reader of Node pauses a computing thread for about 0.1 ms, and
returns for how long.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGQUIT

import msgspec

from echo_tui.model.evidence import Frame, Goroutine, Stack
from echo_tui.model.observations import StackSample
from echo_tui.observers.go_tables import is_go
from echo_tui.observers.stacks import catches
from echo_tui.words import evidence as words

DEPTH = 12
TRIES = 5
"""Requests in a row without an answer after which a process is not asked for a while."""
PATIENCE = 5_000_000_000
"""How long (ns) to wait for an answer."""
BACKOFF = 30_000_000_000
"""How long (ns) a process that has given no answer is not asked."""
LONGEST_LINE = 1000
"""A longer line of jcmd is not parsed: names of threads and methods are chosen by the program."""
ATTACH = 3000
"""How long (ms) jcmd may wait for the Java virtual machine."""
POLITE = 0.1
"""How long (s) a reader may need to end."""
NOT_NOW = 3
"""The exit code of a reader that would have to pause the process, and may not."""


class ReadFrame(msgspec.Struct):
    """A frame in `py-spy dump --json`."""

    name: str
    filename: str
    line: int


class ReadThread(msgspec.Struct):
    """A thread in `py-spy dump --json`."""

    frames: list[ReadFrame]
    os_thread_id: int | None = None


class ReadNode(msgspec.Struct):
    """The output of `node_stacks`; `paused` is for how long (ns) the thread was paused."""

    paused: int
    threads: list[ReadThread]


class ReadGoroutine(ReadThread):
    """A goroutine in the output of `go_stacks`, with the inodes of the sockets that it refers to and polls."""

    goroutine: int = 0
    waits: str = ""
    sockets: list[int] = []
    polls: int = 0
    reads: bool = False


class ReadGo(msgspec.Struct):
    """The output of `go_stacks`."""

    threads: list[ReadGoroutine]


@dataclass(frozen=True)
class ReaderCommand:
    """A program that reads the stacks of a process, and the kind of its output: `py-spy`, `node`, `go` or `jcmd`."""

    kind: str
    line: tuple[str, ...]


@dataclass(frozen=True)
class StackReading:
    """The stacks in a reader's output, and for how long (ns) it paused the process."""

    stacks: list[Stack]
    paused: int = 0
    goroutines: list[Goroutine] = field(default_factory=list)


def py_spy() -> str | None:
    """Return the path of py-spy: beside this interpreter, or on PATH; None if there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def kind_of(pid: int) -> str:
    """Return which reader a process needs, by its program: `node`, `jcmd`, `go`, or `py-spy` for all others."""
    try:
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return "py-spy"
    if kind := {"node": "node", "nodejs": "node", "java": "jcmd"}.get(name):
        return kind
    return "go" if is_go(pid) else "py-spy"


def reader_of(pid: int, may_pause: bool) -> ReaderCommand | None:
    """Return the reader for a process; None if it is not installed, or would harm it."""
    kind = kind_of(pid)
    if kind == "node":
        line = (sys.executable, "-P", "-m", "echo_tui.observers.node_stacks", str(pid))
        return ReaderCommand(kind, line if may_pause else (*line, "--never-pause"))
    if kind == "go":
        return ReaderCommand(kind, (sys.executable, "-P", "-m", "echo_tui.observers.go_stacks", str(pid)))
    if kind == "jcmd":
        # The first request sends SIGQUIT, which would end a Java machine that was told not to catch it.
        command = shutil.which("jcmd")
        if not (command and may_pause and catches(pid, SIGQUIT)):
            return None
        return ReaderCommand(kind, (command, f"-J-Dsun.tools.attach.attachTimeout={ATTACH}", str(pid), "Thread.print"))
    command = py_spy()
    return ReaderCommand(kind, (command, "dump", "--json", "--nonblocking", "--pid", str(pid))) if command else None


class ForeignStacks:
    """Asks one process at a time. `missing` says why none can be asked; empty if one can."""

    def __init__(self, peer_of: Callable[[int], str] = lambda inode: "") -> None:
        """`peer_of` returns the client of the connection with an inode."""
        self._peer_of = peer_of
        self.missing = "" if py_spy() else words.missing("no-handler")
        self.paused: dict[int, int] = {}
        """For how long (ns) each process was paused in all; without those never paused."""
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: ReaderCommand | None = None
        self._pid = self._since = 0
        self._refused: Counter[int] = Counter()
        """How often in a row each process has returned no stacks."""
        self._not_before: dict[int, int] = {}
        """Until when (ns) a process must not be asked."""
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115 - a file, because a pipe could fill up

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._process is not None

    def pauses(self, pid: int) -> bool:
        """Return whether asking a process pauses it: it did before, or it is a Java machine, which stops to answer."""
        return pid in self.paused or kind_of(pid) == "jcmd"

    def ask(self, pid: int, may_pause: bool = True) -> bool:
        """Ask for a process's stacks, if need be by pausing it. Return whether it was asked."""
        if self.busy or time.monotonic_ns() < self._not_before.get(pid, 0) or is_stopped(pid):
            return False
        if (reader := reader_of(pid, may_pause)) is None:
            return False
        self._answer.seek(0)
        self._answer.truncate()
        try:
            self._process = subprocess.Popen(
                reader.line,
                stdin=subprocess.DEVNULL,
                stdout=self._answer,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._not_before[pid] = time.monotonic_ns() + BACKOFF
            self.missing = words.missing("not-run", error, reader.line[0])
            return False
        self._pid, self._reader, self._since = pid, reader, time.monotonic_ns()
        return True

    def read(self) -> StackSample | None:
        """Return the answer, if it has arrived."""
        if self._process is None or self._reader is None:
            return None
        if self._process.poll() is None:
            if time.monotonic_ns() - self._since > PATIENCE:
                self._end()
                self._refuses()
            return None
        code, self._process = self._process.returncode, None
        if code == NOT_NOW:
            return None
        self._answer.seek(0)
        try:
            found = decoded(self._reader.kind, self._answer.read(), self._peer_of)
        except (msgspec.DecodeError, ValueError):  # no output: not such a program, or it may not be read
            self._refuses()
            return None
        self._refused.pop(self._pid, None)
        if found.paused:
            self.paused[self._pid] = self.paused.get(self._pid, 0) + found.paused
        return StackSample(self._since, self._pid, found.stacks, found.paused, found.goroutines)

    def close(self) -> None:
        """End the reader, if it still runs, and close the file."""
        self._end()
        self._answer.close()

    def _refuses(self) -> None:
        """Count a missing answer; after several in a row the process is not asked for a while."""
        self._refused[self._pid] += 1
        if self._refused[self._pid] >= TRIES:
            self._not_before[self._pid] = time.monotonic_ns() + BACKOFF

    def _end(self) -> None:
        if self._process:
            self._process.terminate()  # jcmd removes its request file
            try:
                self._process.wait(POLITE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def is_stopped(pid: int) -> bool:
    """Return whether a process is stopped by a signal or a debugger: it would not answer."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    return stat.rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])


def decoded(kind: str, data: bytes, peer_of: Callable[[int], str] = lambda inode: "") -> StackReading:
    """Parse a reader's output. Raises DecodeError. `peer_of` returns the client of the connection with an inode."""
    if kind == "jcmd":
        return StackReading(java_stacks(data.decode("utf-8", "replace").splitlines()))
    if kind == "node":
        node = msgspec.json.decode(data, type=ReadNode)
        return StackReading(_stacks(node.threads), node.paused)
    if kind == "go":
        return StackReading([], 0, [_goroutine(one, peer_of) for one in msgspec.json.decode(data, type=ReadGo).threads])
    return StackReading(_stacks(msgspec.json.decode(data, type=list[ReadThread])))


def java_stacks(lines: Sequence[str]) -> list[Stack]:
    """Return the stacks of `jcmd PID Thread.print`. Raises DecodeError if there are none.

    A file is named with the directories of its package; those of Java's own modules begin with `java:`. Names of
    threads are chosen by the program, and may imitate other lines.
    """
    found: list[Stack] = []
    for line in lines:
        if len(line) > LONGEST_LINE:
            continue
        if tid := _java_thread(line):
            found.append(Stack(tid, []))
        elif found and len(found[-1].frames) < DEPTH and (frame := _java_frame(line)):
            found[-1].frames.append(frame)
    if not any(stack.frames for stack in found):
        raise msgspec.DecodeError("no stack")
    return [stack for stack in found if stack.frames]


def _java_thread(line: str) -> int:
    """Return the thread id in a line such as `"main" #1 prio=5 ... nid=0x4d3 runnable`; 0 if it has none."""
    number = line.rpartition(" nid=")[2].partition(" ")[0] if line.startswith('"') else ""
    if re.fullmatch(r"0x[0-9a-f]{1,8}", number):
        return int(number, 16)
    return int(number) if re.fullmatch(r"[1-9][0-9]{0,9}", number) else 0


def _java_frame(line: str) -> Frame | None:
    """Return the call in a line such as `at java.lang.Thread.run(java.base@17.0.15/Thread.java:840)`."""
    if not (line.lstrip().startswith("at ") and line.endswith(")")):
        return None
    called, _, place = line.strip()[3:-1].rpartition("(")
    owner, _, function = called.rpartition("/")[2].rpartition(".")
    module, _, place = place.rpartition("/")
    file, _, number = place.partition(":")
    name = f"java:{file}" if module else "/".join([*owner.split(".")[:-1], file])
    line_number = int(number) if re.fullmatch(r"[0-9]{1,9}", number) else 0
    return Frame(name, line_number, f"{owner.rpartition('.')[2]}.{function}") if owner else None


def _stacks(threads: Sequence[ReadThread]) -> list[Stack]:
    return [
        Stack(thread.os_thread_id, [Frame(f.filename, f.line, f.name) for f in thread.frames[:DEPTH]])
        for thread in threads
        if thread.os_thread_id
    ]


def _goroutine(read: ReadGoroutine, peer_of: Callable[[int], str]) -> Goroutine:
    frames = tuple(Frame(frame.filename, frame.line, frame.name) for frame in read.frames)
    refers_to = tuple(peer for inode in read.sockets if (peer := peer_of(inode)))
    polls = (peer_of(read.polls) or "?") if read.waits == "io-wait" else ""
    return Goroutine(read.goroutine, read.os_thread_id or 0, frames, read.waits, refers_to, polls, read.reads)
