"""Hostile terminals: invalid bytes, bursts of keys, and a hang-up without a signal."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.leaving import family, wait_for_nothing
from tests.e2e.terminal import Terminal, command
from tests.fuzz_keys import play
from tests.ports import free_port

GARBAGE = [b"\xff", b"\xe9+", b"\x1b[M\xa0\xf0\xff", b"\x1b[200~caf\xe9\x1b[201~", b"\xf0\x9f"]
BURSTS = ["B\r\r", "l\r\r", "N\r\r", "\x10\r\r", "\x10\x1b[6~", "mss", "msh", "mff", "m\r\r", "?\x1b\x1b", "w\x1b\x1b"]
DETACHED = """
import os, sys
if os.fork() == 0:
    os.setsid()
    os.execv(sys.argv[1], sys.argv[1:])
os.wait()
"""
"""Runs a command that has no controlling terminal, like `setsid -w` and `su -c`."""


def dashboard(cwd: Path, *before: str, port: int = 0) -> Terminal:
    return Terminal([*before, command(), "asyncio", "--port", str(port or free_port())], cwd=cwd)


def settle(terminal: Terminal) -> None:
    """Read for longer than the time after which a lone Esc counts as a key."""
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        terminal.read(0.05)


def test_invalid_bytes_are_harmless(tmp_path: Path) -> None:
    with dashboard(tmp_path) as terminal:
        terminal.shows("serving")
        for garbage in GARBAGE:
            os.write(terminal.master, garbage)
            settle(terminal)  # bytes that arrive together are parsed as one sequence
            terminal.press("\x1b")
            settle(terminal)
            assert not terminal.ended(), (garbage, terminal.last)
        terminal.press("?")
        terminal.shows("Open many clients")


@pytest.mark.slow
def test_typing_ahead_in_dialogs_is_harmless(tmp_path: Path) -> None:
    with dashboard(tmp_path) as terminal:
        terminal.shows("serving")
        for keys in BURSTS:
            terminal.press(keys)
            settle(terminal)
            terminal.press("\x1b")
            settle(terminal)
            assert not terminal.ended(), (keys, terminal.last)
        terminal.press("?")
        terminal.shows("Open many clients")


@pytest.mark.parametrize("detached", [True, False])
def test_loss_of_the_terminal_ends_the_dashboard(detached: bool, tmp_path: Path) -> None:
    port = free_port()
    before = [sys.executable, "-c", DETACHED] if detached else []
    with dashboard(tmp_path, *before, port=port) as terminal:
        terminal.shows("serving")
        pids = family(terminal.pid)
        terminal.hang_up()
        terminal.until(terminal.ended, "the end")
        wait_for_nothing(pids, port)


@pytest.mark.slow
def test_random_input_does_not_end_the_dashboard() -> None:
    outcome = play(seed=20, count=100_000, seconds=10)
    assert not outcome.fault, (outcome.steps, outcome.last)
    assert outcome.steps > 20


def test_double_click_on_a_vanishing_notice_is_harmless(tmp_path: Path) -> None:
    """Textual raises if the mouse is pressed on a widget that the previous click has removed (Textual issue 6643)."""
    with Terminal([command(), "asyncio", "--port", "0"], cwd=tmp_path) as terminal:
        terminal.shows("serving")
        for gap in (0.0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03) * 3:
            terminal.press("1\r")  # the pattern is already running
            terminal.shows("runs already")
            y = next(n for n, line in enumerate(terminal.screen.display, 1) if "runs already" in line)
            x = terminal.screen.display[y - 1].index("runs already") + 3
            click = f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m"
            terminal.press(click)
            terminal.read(gap)
            terminal.press(click)
            terminal.until(lambda: "runs already" not in terminal.text or terminal.ended(), "the notice disappears")
            assert not terminal.ended(), repr(terminal.last[-300:])
