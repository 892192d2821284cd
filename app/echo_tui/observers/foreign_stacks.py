"""The stacks of a process that knows nothing of us: Python by py-spy, Node by a reader of ours, Java by jcmd.

Each reader is a program of its own, started on suspicion only, for one process at a time. py-spy reads the memory of a
process without holding it; the reader of Node holds a thread that computes for about 0.1 ms, and says for how long.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGQUIT

import msgspec

from echo_tui.model.evidence import Frame, Stack
from echo_tui.model.observations import StackSample
from echo_tui.observers.stacks import catches
from echo_tui.words import evidence as words

DEPTH = 12
TRIES = 5
"""After so many requests in a row without an answer a process is not asked again."""
PATIENCE = 5_000_000_000
"""How long (ns) to wait for an answer."""
JAVA_THREAD = re.compile(r'^".*" .*\bnid=(0x[0-9a-f]+|\d+) ')
JAVA_FRAME = re.compile(r"^\s+at (\S+)\.([^.\s(]+)\((?:(\S+?@?[^/)]*)/)?([^:)]+)(?::(\d+))?\)$")


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
    """What `node_stacks` prints; `held` is for how long (ns) the thread was held."""

    held: int
    threads: list[ReadThread]


@dataclass(frozen=True)
class Reader:
    """The program that reads the stacks of a process, and the kind of its output: `py-spy`, `node` or `jcmd`."""

    kind: str
    line: tuple[str, ...]


def py_spy() -> str | None:
    """Return the path of py-spy: beside this interpreter, or on PATH; None if there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def kind_of(pid: int) -> str:
    """Return which reader a process needs, by its program: `node`, `jcmd`, or `py-spy` for all others."""
    try:
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return "py-spy"
    return {"node": "node", "nodejs": "node", "java": "jcmd"}.get(name, "py-spy")


def reader_of(pid: int, may_hold: bool) -> Reader | None:
    """Return the reader for a process; None if it is not installed, or would harm it."""
    kind = kind_of(pid)
    if kind == "node":
        line = (sys.executable, "-P", "-m", "echo_tui.observers.node_stacks", str(pid))
        return Reader(kind, line if may_hold else (*line, "--never-hold"))
    if kind == "jcmd":
        # The first time it sends SIGQUIT, which a Java machine catches unless it was told not to: that would end it.
        command = shutil.which("jcmd")
        return Reader(kind, (command, str(pid), "Thread.print")) if command and catches(pid, SIGQUIT) else None
    command = py_spy()
    return Reader(kind, (command, "dump", "--json", "--nonblocking", "--pid", str(pid))) if command else None


class ForeignStacks:
    """Asks one process at a time. `missing` says why it can't ask any; empty while it can."""

    def __init__(self) -> None:
        self.missing = "" if py_spy() else words.missing("no-handler")
        self.held: dict[int, int] = {}
        """For how long (ns) each process was held in all, of those that were."""
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Reader | None = None
        self._pid = self._since = 0
        self._refused: Counter[int] = Counter()
        """How often in a row a process has given no stacks; it is not asked for ever."""
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115 - a file, because a pipe could fill up

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._process is not None

    def holds(self, pid: int) -> bool:
        """Return whether a process was held when it was asked before, or is a Java machine, which stops to answer."""
        return pid in self.held or kind_of(pid) == "jcmd"

    def ask(self, pid: int, may_hold: bool = True) -> bool:
        """Ask for a process's stacks, if need be by holding it. Return whether it was asked."""
        if self.busy or self._refused[pid] >= TRIES or (reader := reader_of(pid, may_hold)) is None:
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
            self._refused[pid] = TRIES
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
            return None
        self._process = None
        self._answer.seek(0)
        try:
            stacks, held = decoded(self._reader.kind, self._answer.read())
        except msgspec.DecodeError:  # it printed nothing: not such a program, or not ours to read
            self._refused[self._pid] += 1
            return None
        self._refused.pop(self._pid, None)
        if held:
            self.held[self._pid] = self.held.get(self._pid, 0) + held
        return StackSample(self._since, self._pid, stacks, held)

    def close(self) -> None:
        """End the reader, if it still runs, and close the file."""
        self._end()
        self._answer.close()

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


def decoded(kind: str, data: bytes) -> tuple[list[Stack], int]:
    """Return the stacks that a reader has printed, and for how long (ns) it held the process. Raises DecodeError."""
    if kind == "jcmd":
        return java_stacks(data.decode("utf-8", "replace").splitlines()), 0
    if kind == "node":
        node = msgspec.json.decode(data, type=ReadNode)
        return _stacks(node.threads), node.held
    return _stacks(msgspec.json.decode(data, type=list[ReadThread])), 0


def java_stacks(lines: Sequence[str]) -> list[Stack]:
    """Return the stacks of `jcmd PID Thread.print`. Raises DecodeError if there are none.

    A file is named with the folders of its package. Those of modules of Java itself begin with `java:`.
    """
    found: list[Stack] = []
    for line in lines:
        if thread := JAVA_THREAD.match(line):
            found.append(Stack(int(thread[1], 0), []))
        elif found and len(found[-1].frames) < DEPTH and (frame := JAVA_FRAME.match(line)):
            owner, function, module, file, number = frame.groups()
            package = owner.rpartition(".")[0].replace(".", "/")
            name = f"java:{file}" if module else f"{package}/{file}".lstrip("/")
            found[-1].frames.append(Frame(name, int(number or 0), f"{owner.rpartition('.')[2]}.{function}"))
    if not any(stack.frames for stack in found):
        raise msgspec.DecodeError("no stack")
    return [stack for stack in found if stack.frames]


def _stacks(threads: Sequence[ReadThread]) -> list[Stack]:
    return [
        Stack(thread.os_thread_id, [Frame(f.filename, f.line, f.name) for f in thread.frames[:DEPTH]])
        for thread in threads
        if thread.os_thread_id
    ]
