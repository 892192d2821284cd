"""A user's server program, started in its own session, and ended with this process however this one ends."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from echo_servers.server import BadRequest

from echo_tui.model.observations import Observation, Output
from echo_tui.observers.child import GRACE, LINE, OUTPUT
from echo_tui.observers.pipe import LinePipe
from echo_tui.observers.targets import AttachTarget, find_target

PATIENCE = 30.0
"""Seconds for a program to start listening."""
STEP = 0.1
KEPT = 20
"""Lines of its output that are repeated if it ends before it listens."""


class EndedTooSoon(Exception):
    """The program ended before it listened; the message says how, with its last lines of output."""


class Program:
    """One run of a program. It is ended by `stop`, or by the kernel if this process ends first (`leashed.py`)."""

    def __init__(self, line: Sequence[str]) -> None:
        """Start it. Raises BadRequest if there is no such program, or it is not executable."""
        if shutil.which(line[0]) is None:
            raise BadRequest(f"{line[0]!r} is no program that can be started")
        self.line = list(line)
        tied, self._leash = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "echo_servers.leashed", str(tied), *line],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[tied],
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(tied)
        assert self._process.stdout
        assert self._process.stderr
        self._output = {
            "stdout": LinePipe(os.dup(self._process.stdout.fileno())),
            "stderr": LinePipe(os.dup(self._process.stderr.fileno())),
        }
        self._process.stdout.close()
        self._process.stderr.close()

    @property
    def pid(self) -> int:
        """The pid of its first process."""
        return self._process.pid

    def wait_until_it_listens(self, port: int | None = None) -> AttachTarget:
        """Wait until the program listens, and return it as a target.

        Raises EndedTooSoon, `targets.NotPermitted`, and BadRequest if it listens on several addresses, or on none in
        time.
        """
        limit = time.monotonic() + PATIENCE
        said: list[str] = []
        while time.monotonic() < limit:
            said = [*said, *(one.text for one in self.read() if isinstance(one, Output))][-KEPT:]
            if (code := self._process.poll()) is not None:
                raise EndedTooSoon("\n".join([*said, f"{self.line[0]} has ended with code {code} before it listened"]))
            with contextlib.suppress(BadRequest):
                return find_target(str(self.pid), port)
            time.sleep(STEP)
        return find_target(str(self.pid), port)

    def read(self) -> list[Observation]:
        """Return the lines that it has written since the last call."""
        found: list[Observation] = []
        for stream, pipe in self._output.items():
            lines = (line[:LINE].decode(errors="replace") for line in pipe.read(OUTPUT).splitlines())
            found += [Output(time.monotonic_ns(), stream, line) for line in lines]
        return found

    def stop(self) -> None:
        """End all processes of its group."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in self._output.values():
            pipe.close()
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
