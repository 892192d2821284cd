"""A server in each of the compared variants: watched, unwatched, and printing the article's lines."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from typing import Protocol

from echo_servers.block import PAGE_BYTES
from echo_servers.catalog import Pattern
from echo_servers.server import Options
from echo_tui.observers.child import Child
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.tui.picture import DRAIN

from tests.bench.figures import DidNotWork
from tests.bench.machine import HOST
from tests.ports import free_port

PATIENCE = 10.0
COMPARED = ("watched", "unwatched")
VARIANTS = (*COMPARED, "printed")


class Run(Protocol):
    """A running server with its block disarmed."""

    pid: int
    port: int

    def read(self) -> None:
        """Read what the server reports; called at the rate of the dashboard."""

    def stop(self) -> int:
        """Stop the server; return the number of lost records."""


class Watched:
    """A server that is started, read and folded into a session like that of a dashboard, but without a screen."""

    def __init__(self, pattern: Pattern, live: Live) -> None:
        self._live, self.port = live, live.plan.options.port
        live.start(pattern)
        if live.block.now:
            live.toggle_block()
        assert live.child
        self.pid = live.child.pid

    def read(self) -> None:
        self._live.drain()
        if not self._live.running:
            raise DidNotWork(f"the watched server has ended: {self._live.refusal() or 'see its own story'}")

    def stop(self) -> int:
        self._live.stop()
        return self._live.session.totals.lost

    @property
    def echoes(self) -> int:
        """The number of echoes known to the session, including lost records."""
        return self._live.session.totals.send


class Unwatched:
    """The same server with reporting off."""

    def __init__(self, pattern: Pattern, port: int) -> None:
        self.port = port
        self._child = Child(pattern.name, Options(HOST, port), None, report=False)
        self.pid = self._child.pid

    def read(self) -> None:
        if not self._child.running:
            raise DidNotWork("the unwatched server has ended")

    def stop(self) -> int:
        self._child.stop()
        return 0


class Printing:
    """The article's lines into a pipe, which `cat` reads and discards."""

    def __init__(self, pattern: Pattern, port: int) -> None:
        self.port = port
        tied, self._leash = os.pipe()
        with tempfile.TemporaryFile() as page:
            page.truncate(PAGE_BYTES)
            command = [sys.executable, "-P", "-m", "echo_servers", pattern.name, "--host", HOST, "--port", str(port)]
            command += ["--page", str(page.fileno()), "--leash", str(tied)]
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(page.fileno(), tied),
                start_new_session=True,
            )
        os.close(tied)
        assert self._server.stdout
        self._reader = subprocess.Popen(["cat"], stdin=self._server.stdout, stdout=subprocess.DEVNULL)
        self._server.stdout.close()
        self.pid = self._server.pid

    def read(self) -> None:
        if self._server.poll() is not None:
            raise DidNotWork("the printing server has ended")

    def stop(self) -> int:
        os.killpg(self.pid, signal.SIGKILL)
        self._server.wait()
        os.close(self._leash)
        self._reader.wait(PATIENCE)
        return 0


class Metered:
    """A run whose reading is measured."""

    def __init__(self, run: Run) -> None:
        self._run, self.pid, self.port = run, run.pid, run.port
        self.used = 0.0
        """The CPU time of reading so far (seconds)."""

    def read(self) -> None:
        before = time.process_time()
        self._run.read()
        self.used += time.process_time() - before

    def stop(self) -> int:
        return self._run.stop()


def begin(variant: str, pattern: Pattern, live: Live) -> Run:
    """Start a server of a variant."""
    if variant == "watched":
        return Watched(pattern, live)
    return Unwatched(pattern, free_port()) if variant == "unwatched" else Printing(pattern, free_port())


def attend(runs: Iterable[Run], job: subprocess.Popen[bytes]) -> None:
    """Read the servers at the dashboard's rate until the job has ended."""
    due = time.monotonic()
    while job.poll() is None:
        for run in runs:
            run.read()
        due = max(due + DRAIN, time.monotonic())
        time.sleep(max(due - time.monotonic(), 0))


def open_live() -> Live:
    """Return a headless live run; close it afterwards."""
    return Live(Plan(options=Options(HOST, free_port())))
