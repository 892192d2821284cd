"""The server as a child process in a session of its own: started, read, armed, stopped, and never left behind."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import psutil
from echo_servers.block import PAGE_BYTES, BlockPage, BlockSetting
from echo_servers.catalog import BY_NAME
from echo_servers.server import Options

from echo_tui.model.observations import Observation, Output, ServerExited, ServerStarted
from echo_tui.observers import counters
from echo_tui.observers.pipe import CAPACITY, RECORD, LinePipe, decode, make_pipe
from echo_tui.observers.stacks import Stacks

GRACE = 0.3
"""Seconds for a server to end after SIGTERM before it is killed."""
LINE = 2000
"""Characters kept of a line of stdout or stderr."""
OUTPUT = 1 << 14
"""Bytes read at a time from stdout and stderr each, so that a flood of short lines does not block the driver."""
PAGE, OUTPUT_PIPE = 1 << 12, 1 << 16
"""Bytes of the smallest pipe, and of the default one (pipe(7))."""


def idle_calls(pattern: str) -> list[str]:
    """Return the idle calls of a pattern; empty if there is no such pattern."""
    return list(BY_NAME[pattern].idle_calls) if pattern in BY_NAME else []


def command(pattern: str, options: Options) -> list[str]:
    """The child's command line, without its descriptors."""
    return [sys.executable, "-P", "-m", "echo_servers", pattern, *options.arguments()]


class Child:
    """One run of one server. `read` returns what has happened since the last call."""

    def __init__(self, pattern: str, options: Options, block: BlockSetting | None = None, report: bool = True) -> None:
        with contextlib.ExitStack() as undo:
            self._start(undo, pattern, options, block, report)
            undo.pop_all()

    def _start(
        self, undo: contextlib.ExitStack, pattern: str, options: Options, block: BlockSetting | None, report: bool
    ) -> None:
        """Start the server; `undo` releases what was opened if there are too few descriptors for the rest."""
        self._page_file = undo.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the child
        self._page_file.truncate(PAGE_BYTES)
        self._page = BlockPage(self._page_file.fileno())
        self._page.arm(block)
        self.stacks = Stacks()
        undo.callback(self.stacks.close)
        self.counters = counters.make() if report else None
        if self.counters:
            undo.callback(self.counters.close)
        events, child_events = make_pipe()
        undo.callback(os.close, events)
        theirs = undo.enter_context(contextlib.ExitStack())
        theirs.callback(os.close, child_events)
        tied, self._leash = os.pipe()
        undo.callback(os.close, self._leash)  # closing it ends the server, if that was started
        theirs.callback(os.close, tied)
        page = self._page_file.fileno()
        descriptors = [page, tied, self.stacks.fd] + ([child_events] if report else [])
        line = [*command(pattern, options), "--page", str(page), "--leash", str(tied), "--stacks", str(self.stacks.fd)]
        line += ["--events", str(child_events)] if report else ["--quiet"]
        if self.counters:
            descriptors.append(self.counters.fd)
            line += ["--counters", str(self.counters.fd)]
        self._process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,
            bufsize=0,
        )
        theirs.close()
        assert self._process.stdout
        assert self._process.stderr
        self._events = LinePipe(events)
        self._output = {
            "stdout": LinePipe(os.dup(self._process.stdout.fileno())),
            "stderr": LinePipe(os.dup(self._process.stderr.fileno())),
        }
        self._process.stdout.close()
        self._process.stderr.close()
        self._stopped = self._output_held = False
        self._exit_reported = False
        self._first: list[Observation] = [
            ServerStarted(
                time.monotonic_ns(),
                pattern,
                self.pid,
                options.host,
                options.port,
                idle_calls(pattern) if report else [],
                report,
            )
        ]

    @property
    def pid(self) -> int:
        """The server's first process; its session and process group have the same number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the first process has not ended."""
        return self._process.poll() is None

    def arm(self, setting: BlockSetting | None, only: int = 0) -> None:
        """Arm the block of the running server, perhaps only for the client with this port; None disarms it."""
        self._page.arm(setting, only)

    def hold_output(self, held: bool) -> None:
        """Stop reading its stdout, as a terminal does after Ctrl-S, or continue.

        Meanwhile the pipe has the smallest size, so that it is soon full.
        """
        self._output_held = held
        if hasattr(fcntl, "F_SETPIPE_SZ") and not self._output["stdout"].ended:
            with contextlib.suppress(OSError):  # the pipe may hold more than a page: then it keeps its size
                fcntl.fcntl(self._output["stdout"].fd, fcntl.F_SETPIPE_SZ, PAGE if held else OUTPUT_PIPE)

    def read(self, most: int = CAPACITY) -> list[Observation]:
        """Return what the server has reported and written, and its end; about `most` bytes of reports at a time."""
        found, self._first = self._first, []
        ended = not self.running
        records = decode(self._events.read(most), RECORD)
        found += self.counters.complete(records) if self.counters else records
        for stream, pipe in self._output.items():
            if self._output_held and stream == "stdout" and not ended:
                continue
            for line in pipe.read(OUTPUT).splitlines():
                found.append(Output(time.monotonic_ns(), stream, line[:LINE].decode(errors="replace")))
        if ended and not found and not self._exit_reported:
            self._exit_reported = True
            code = self._process.returncode
            found += [*self.counts_of(None), ServerExited(time.monotonic_ns(), self.pid, code, self._stopped)]
        return found

    def counts(self) -> list[Observation]:
        """Return the echoes counted by the server without records since the last call."""
        return self.counters.read() if self.counters else []

    def counts_of(self, pid: int | None) -> list[Observation]:
        """Return the last counts of a process of the server that has ended, or of all of them."""
        return self.counters.read_last(pid) if self.counters else []

    def stop(self) -> list[Observation]:
        """End the server with all its workers, free its port, and return its last reports."""
        self._stopped = self._stopped or self.running
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        # End what is left of the group: workers that have not seen the hang-up, or C code that gets no signal.
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._wait_for_group()
        last: list[Observation] = []
        while found := self.read():
            last += found
        self._close()
        return last

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self.pid, number)

    def _wait_for_group(self) -> None:
        """Wait until no worker is left: only then is the port free."""
        limit = time.monotonic() + GRACE
        while time.monotonic() < limit:
            try:
                os.killpg(self.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            if all(map(_is_over, _group(self.pid))):
                return
            time.sleep(0.002)

    def _close(self) -> None:
        self._events.close()
        for pipe in self._output.values():
            pipe.close()
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1
        self._page_file.close()
        self.stacks.close()
        if self.counters:
            self.counters.close()


def _group(number: int) -> Iterator[int]:
    """Yield the processes of a process group, including those that have ended and were not reaped yet."""
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == number:
                yield pid


def _is_over(pid: int) -> bool:
    """Return whether a process has released everything: a zombie has when its last thread is gone."""
    try:
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.Error:
        return True
