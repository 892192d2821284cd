"""However the dashboard ends, no process of it is left and the port is free, for every pattern."""

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

KILLED = ("busy-loop", "process-pool", "process-loops", "eventlet")
"""Patterns whose servers are seen to end after a SIGKILL of the dashboard in every run of the tests."""


def is_decisive(pattern: Pattern, way: Callable[[Terminal], None]) -> bool:
    """Whether it shows what the others do too: a dashboard ends its server in order, or dies and the leash does it."""
    if pattern.name == "asyncio-processes":
        return True
    return way is WAYS[-1] and pattern.name in KILLED


@pytest.mark.parametrize(("pattern", "way"), crossed(PATTERNS, WAYS, is_decisive))
def test_nothing_is_left(pattern: Pattern, way: Callable[[Terminal], None], tmp_path: Path) -> None:
    port = free_port()
    with opened(pattern, port, way, tmp_path) as terminal:
        ready(terminal, pattern)
        family_before = family(terminal.pid)
        assert family_before
        way(terminal)
        terminal.until(terminal.ended, "the end of the dashboard")
        if way is crash:
            assert terminal.code == SOFTWARE
            terminal.until(lambda: "a fault of its own (RuntimeError)" in terminal.text, "one line")
            assert "made to fail" not in terminal.text, "the traceback is for the file"
        wait_for_nothing(family_before, port)


def test_a_fault_while_it_draws_is_one_line_too(tmp_path: Path) -> None:
    line = [sys.executable, "-P", "-c", CRASHING_AS_IT_DRAWS, "multithread", "--port", str(free_port())]
    with Terminal(line, cwd=tmp_path) as terminal:
        terminal.until(terminal.ended, "the end of the dashboard")
        terminal.until(lambda: "a fault of its own (RuntimeError)" in terminal.text, "one line")
        assert terminal.code == SOFTWARE
        assert "made to fail" not in terminal.text, "the traceback is for the file"


@pytest.mark.parametrize(
    "number", seldom([signal.SIGTERM, signal.SIGHUP, signal.SIGINT], signal.SIGTERM), ids=lambda number: number.name
)
def test_a_terminal_that_lives_on_is_given_back(number: signal.Signals, tmp_path: Path) -> None:
    with Terminal([command(), "multithread", "--port", str(free_port())], cwd=tmp_path) as terminal:
        terminal.shows("serving")
        os.kill(terminal.pid, number)
        terminal.until(terminal.ended, "the end of the dashboard")
        terminal.until(lambda: b"\x1b[?1049l" in terminal.last, "the usual screen")
        assert b"\x1b[?1000l" in terminal.last, "the mouse is the terminal's again"


@pytest.mark.parametrize(
    "number", seldom([signal.SIGTERM, signal.SIGHUP], signal.SIGHUP), ids=lambda number: number.name
)
def test_a_terminal_that_takes_nothing_holds_up_no_end(number: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    with Terminal([command(), "busy-loop", "--port", str(port), "--clients", "2"], width=160, cwd=tmp_path) as terminal:
        terminal.shows("not accepted")
        left = family(terminal.pid)
        stuck = psutil.Process(terminal.pid)
        spent = None
        while spent != (spent := stuck.cpu_times()[:2]):  # it looks at its pipes twenty times a second until then
            time.sleep(1)
        os.kill(terminal.pid, number)
        limit = time.monotonic() + PATIENCE
        while not terminal.ended() or alive(left) or not is_free(port):
            assert time.monotonic() < limit, f"left behind: {alive(left)}, ended: {terminal.code}"
            time.sleep(0.01)
