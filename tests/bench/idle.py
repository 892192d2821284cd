"""What an idle dashboard costs, and how fast it starts."""

import subprocess
import time

import psutil

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section
from tests.bench.machine import Stopwatch
from tests.bench.screen import FIRST, SETTLE, command_line, dashboard, full
from tests.ports import free_port

TITLE = "Idle, and how soon it is there"
CLIENTS = 3


def measure(effort: Effort) -> Section:
    """Measure the installed command, started as by a user."""
    section = Section(TITLE)
    section.add(Figure("first full picture", "s", [_first() for _ in range(effort.rounds)], Goal(1.0)))
    section.add(Figure("--help", "s", [_help() for _ in range(2 * effort.rounds)], Goal(0.25)))
    seconds = effort.seconds(12, 5)
    cpu, rss, serving = [], [], []
    for _ in range(effort.count(3, 1)):
        with dashboard([*command_line(), "asyncio", "--port", str(free_port()), "--clients", str(CLIENTS)]) as terminal:
            terminal.wait(lambda words: f"{CLIENTS} open" in words, f"{CLIENTS} connections open")
            serving.append(time.monotonic() - terminal.begun)
            terminal.rest(SETTLE)
            watch = Stopwatch(terminal.pid)
            terminal.rest(seconds)
            cpu += watch.percent()
            rss.append(psutil.Process(terminal.pid).memory_info().rss / 2**20)
    section.add(Figure(f"server and {CLIENTS} clients on screen", "s", serving))
    section.add(Figure(f"CPU with a server and {CLIENTS} quiet clients", "% of a core", cpu, Goal(3.0)))
    section.add(Figure("memory", "MiB", rss))
    return section


def _first() -> float:
    """Return the seconds from the start of the process to the first complete screen."""
    with dashboard(command_line()) as terminal:
        return full(terminal, FIRST) - terminal.begun


def _help() -> float:
    begun = time.perf_counter()
    done = subprocess.run([*command_line(), "--help"], capture_output=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode:
        raise DidNotWork(f"--help ended with {done.returncode}")
    return took
