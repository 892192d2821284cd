"""However the dashboard ends, no process of it is left and the port is free, for every pattern."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.tui.failure import SOFTWARE
from servers.catalog import PATTERNS, Pattern
from tests.e2e.terminal import PATIENCE, Terminal, command

CRASHING = """
import sys
from app.cli import main
from app.tui.app import EchoTui
def crash(self): raise RuntimeError("made to fail")
EchoTui.action_next_theme = crash
main()
"""


def quit_by_key(terminal: Terminal) -> None:
    terminal.press("q")
    terminal.until(lambda: "Quit?" in terminal.text or terminal.ended(), "the question")
    if not terminal.ended():
        terminal.press("y")


def crash(terminal: Terminal) -> None:
    terminal.press("t")


def hang_up(terminal: Terminal) -> None:
    terminal.hang_up()


def by_signal(number: signal.Signals) -> Callable[[Terminal], None]:
    def send(terminal: Terminal) -> None:
        os.kill(terminal.pid, number)

    send.__name__ = number.name
    return send


WAYS = [quit_by_key, crash, hang_up, *map(by_signal, (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL))]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def family(pid: int) -> set[int]:
    """The ids of everything that descends from a process."""
    with contextlib.suppress(psutil.Error):
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return set()


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie has ended."""
    left = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                left.add(pid)
    return left


def bindable(port: int) -> bool:
    """Whether nobody listens on the port any more."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def ready(terminal: Terminal, pattern: Pattern) -> None:
    """Wait until the pattern does what it does."""
    terminal.shows(pattern.title)
    if pattern.serves:
        terminal.shows("serving")
        terminal.shows("[2]")
    else:
        terminal.shows("exit code")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_nothing_is_left(pattern: Pattern, way: Callable[[Terminal], None], tmp_path: Path) -> None:
    port = free_port()
    start = [sys.executable, "-P", "-c", CRASHING] if way is crash else [command()]
    arguments = [pattern.name, "--port", str(port), "--clients", "2"]
    with Terminal([*start, *arguments], width=120, cwd=tmp_path) as terminal:
        ready(terminal, pattern)
        family_before = family(terminal.pid)
        assert family_before
        way(terminal)
        terminal.until(terminal.ended, "the end of the dashboard")
        if way is crash:
            assert terminal.code == SOFTWARE
            terminal.until(lambda: "a fault of its own (RuntimeError)" in terminal.text, "one line")
            assert "made to fail" not in terminal.text, "the traceback is for the file"
        limit = time.monotonic() + PATIENCE
        while (left := alive(family_before)) or not bindable(port):
            assert time.monotonic() < limit, f"left behind: {left}"
            time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_terminal_that_takes_nothing_holds_up_no_end(number: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    with Terminal([command(), "busy-loop", "--port", str(port), "--clients", "2"], width=160, cwd=tmp_path) as terminal:
        terminal.shows("not accepted")
        left = family(terminal.pid)
        time.sleep(3)  # nobody reads what it draws, and it draws ten times a second
        os.kill(terminal.pid, number)
        limit = time.monotonic() + PATIENCE
        while not terminal.ended() or alive(left) or not bindable(port):
            assert time.monotonic() < limit, f"left behind: {alive(left)}, ended: {terminal.code}"
            time.sleep(0.01)
