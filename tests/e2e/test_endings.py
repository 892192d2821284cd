"""However the dashboard ends, no process is left and the port is free, for every pattern."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from echo_servers.catalog import PATTERNS, Pattern
from echo_tui.tui.failure import SOFTWARE

from tests.crossed import crossed, seldom
from tests.e2e.leaving import (
    CRASHING_AS_IT_DRAWS,
    WAYS,
    alive,
    crash,
    family,
    opened,
    ready,
    wait_for_nothing,
)
from tests.e2e.terminal import PATIENCE, Terminal, command
from tests.ports import free_port, is_free

KILLED = ("process-pool", "eventlet")
"""Patterns that are tested in every run with a SIGKILL of the dashboard."""


def is_decisive(pattern: Pattern, way: Callable[[Terminal], None]) -> bool:
    """Return whether this case represents others: a server stopped by the dashboard, or by the parent-death pipe."""
    if pattern.name == "asyncio-processes":
        return way in WAYS[-3:]
    return way is WAYS[-1] and pattern.name in KILLED


@pytest.mark.parametrize(("pattern", "way"), crossed(PATTERNS, WAYS, is_decisive))
def test_no_process_is_left(pattern: Pattern, way: Callable[[Terminal], None], tmp_path: Path) -> None:
    port = free_port()
    with opened(pattern, port, way, tmp_path) as terminal:
        ready(terminal, pattern)
        family_before = family(terminal.pid)
        assert family_before
        way(terminal)
        terminal.until(terminal.ended, "the end of the dashboard")
        if way is crash:
            assert terminal.code == SOFTWARE
            terminal.until(lambda: "internal error (RuntimeError)" in terminal.text, "one line")
            assert "made to fail" not in terminal.text, "the traceback goes to a file"
        wait_for_nothing(family_before, port)


def test_exception_while_drawing_is_reported_in_one_line(tmp_path: Path) -> None:
    line = [sys.executable, "-P", "-c", CRASHING_AS_IT_DRAWS, "multithread", "--port", str(free_port())]
    with Terminal(line, cwd=tmp_path) as terminal:
        terminal.until(terminal.ended, "the end of the dashboard")
        terminal.until(lambda: "internal error (RuntimeError)" in terminal.text, "one line")
        assert terminal.code == SOFTWARE
        assert "made to fail" not in terminal.text, "the traceback goes to a file"


@pytest.mark.parametrize(
    "number", seldom([signal.SIGTERM, signal.SIGHUP, signal.SIGINT], signal.SIGTERM), ids=lambda number: number.name
)
def test_terminal_is_restored_after_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    with Terminal([command(), "multithread", "--port", str(free_port())], cwd=tmp_path) as terminal:
        terminal.shows("serving")
        os.kill(terminal.pid, number)
        terminal.until(terminal.ended, "the end of the dashboard")
        terminal.until(lambda: b"\x1b[?1049l" in terminal.last, "the usual screen")
        assert b"\x1b[?1000l" in terminal.last, "mouse reporting is off"


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", seldom([signal.SIGTERM, signal.SIGHUP], signal.SIGHUP), ids=lambda number: number.name
)
def test_signal_ends_the_dashboard_although_the_terminal_is_stuck(number: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    with Terminal([command(), "busy-loop", "--port", str(port), "--clients", "2"], width=160, cwd=tmp_path) as terminal:
        terminal.shows("not accepted")
        left = family(terminal.pid)
        stuck = psutil.Process(terminal.pid)
        spent = None
        while spent != (spent := stuck.cpu_times()[:2]):  # it works until its output is stuck
            time.sleep(1)
        os.kill(terminal.pid, number)
        limit = time.monotonic() + PATIENCE
        while not terminal.ended() or alive(left) or not is_free(port):
            assert time.monotonic() < limit, f"left behind: {alive(left)}, ended: {terminal.code}"
            time.sleep(0.01)
