"""How soon no process is left after the dashboard has ended, for every way to end it and every pattern."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from echo_servers.catalog import PATTERNS, Pattern

from tests.bench.figures import Effort, Figure, Goal, Section
from tests.e2e.leaving import WAYS, family, opened, ready, wait_for_nothing
from tests.e2e.terminal import Terminal
from tests.ports import free_port

TITLE = "No process left and the port free, the slowest of all patterns"
GOAL = Goal(1.0)


def measure(effort: Effort) -> Section:
    """Measure each way with every pattern, from the end of the dashboard until no process is left."""
    section = Section(TITLE)
    for way in WAYS:
        took = [(ending(each, way), each.name) for each in PATTERNS for _ in range(effort.count(2, 1))]
        slowest = max(took)[1]
        section.add(Figure(way.__name__.replace("_", " "), "s", [span for span, _ in took], GOAL, slowest, "p100"))
    return section


def ending(pattern: Pattern, way: Callable[[Terminal], None]) -> float:
    """Return the seconds from the ending until no process is left and the port is free."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, opened(pattern, port, way, Path(folder)) as terminal:
        ready(terminal, pattern)
        pids = family(terminal.pid)
        begun = time.monotonic()
        way(terminal)
        terminal.until(terminal.ended, "the end of the dashboard")
        wait_for_nothing(pids, port)
        return time.monotonic() - begun
