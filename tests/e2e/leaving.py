"""The ways in which the dashboard can end, and checks that nothing is left behind."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from echo_servers.catalog import Pattern

from tests.e2e.terminal import PATIENCE, Terminal, command
from tests.ports import is_free

CRASHING = """
import sys
from echo_tui.cli.main import main
from echo_tui.tui.app import EchoTui
def crash(self): raise RuntimeError("made to fail")
EchoTui.action_next_theme = crash
main()
"""
CRASHING_AS_IT_DRAWS = CRASHING.replace("EchoTui.action_next_theme", "TimelinePanel.prepare").replace(
    "def crash(self)", "from echo_tui.tui.panels.timeline import TimelinePanel\ndef crash(self, view)"
)


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


def family(pid: int) -> set[int]:
    """Return the pids of a process's descendants."""
    with contextlib.suppress(psutil.Error):
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return set()


def alive(pids: set[int]) -> set[int]:
    """Return the pids that still run; a zombie counts as ended."""
    left = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                left.add(pid)
    return left


def ready(terminal: Terminal, pattern: Pattern) -> None:
    """Wait until the server serves both clients, or has ended if the pattern serves none."""
    terminal.shows(pattern.title)
    if pattern.serves:
        terminal.shows("serving")
        terminal.shows("[2]")
    else:
        terminal.shows("exit code")


def opened(pattern: Pattern, port: int, way: Callable[[Terminal], None], cwd: Path) -> Terminal:
    """Start the dashboard with a server of this pattern and two clients, to be ended in this way."""
    start = [sys.executable, "-P", "-c", CRASHING] if way is crash else [command()]
    return Terminal([*start, pattern.name, "--port", str(port), "--clients", "2"], width=120, cwd=cwd)


def wait_for_nothing(pids: set[int], port: int) -> None:
    """Wait until none of these processes runs and the port is free."""
    limit = time.monotonic() + PATIENCE
    while (left := alive(pids)) or not is_free(port):
        assert time.monotonic() < limit, f"left behind: {left}"
        time.sleep(0.005)
