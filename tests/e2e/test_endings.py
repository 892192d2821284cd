"""However the dashboard ends, no process of it is left and the port is free, for every pattern."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.tui.failure import SOFTWARE
from servers.catalog import PATTERNS, Pattern
from tests.e2e.leaving import WAYS, alive, crash, family, opened, ready, wait_for_nothing
from tests.e2e.terminal import PATIENCE, Terminal, command
from tests.ports import free_port, is_free


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_terminal_that_takes_nothing_holds_up_no_end(number: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    with Terminal([command(), "busy-loop", "--port", str(port), "--clients", "2"], width=160, cwd=tmp_path) as terminal:
        terminal.shows("not accepted")
        left = family(terminal.pid)
        time.sleep(3)  # nobody reads what it draws, and it draws ten times a second
        os.kill(terminal.pid, number)
        limit = time.monotonic() + PATIENCE
        while not terminal.ended() or alive(left) or not is_free(port):
            assert time.monotonic() < limit, f"left behind: {alive(left)}, ended: {terminal.code}"
            time.sleep(0.01)
