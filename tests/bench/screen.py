"""The real dashboard in a terminal of 160 x 45: under load, with many clients, and idle."""

import contextlib
import json
import random
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section, percentile
from tests.bench.machine import Stopwatch
from tests.bench.terminal import HEIGHT, WIDTH, Terminal
from tests.ports import free_port

RATE = 50_000
CLIENTS = 1000
EXTERNAL = 10_000
CHATTER = 0.1
"""Messages per second of each external client."""
CHURN = 1000
"""Connections per second that open, get an echo and close."""
MEMORY = Goal(200.0)
SETTLE = 3.0
"""Seconds after the start that are not measured."""
FULL = ("Patterns", "Timeline", "Connections", "Events", "CPU", "Threads", "Source", "Clients", "quit")
"""Words of the first complete screen with a server: every panel's title, and a key of the footer."""
FIRST = ("Patterns", "Welcome", "asyncio", "show me", "quit")
"""Words of the first complete screen without a server."""
LAG = Goal(50.0)
KEY = Goal(100.0)


def command_line() -> list[str]:
    """Return the command line of the installed command."""
    script = Path(sysconfig.get_path("scripts"), "echo-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "echo_tui"]


@contextlib.contextmanager
def dashboard(command: list[str]) -> Iterator[Terminal]:
    """Run a program in a terminal; end it afterwards."""
    terminal = Terminal(command)
    try:
        yield terminal
    finally:
        terminal.end()


class Measured:
    """The results of one run of the instrumented dashboard, and measurements from outside."""

    def __init__(self) -> None:
        self.window = (0.0, 0.0)
        self.inside: dict[str, Any] = {}
        """What the dashboard has measured itself."""
        self.cpu: dict[str, float] = {}
        self.keys: list[float] = []
        self.drawn = 0.0
        self.rss = 0.0

    def lags(self, kind: str) -> list[float]:
        """Return by how many milliseconds the loop was late within the measured window."""
        begin, end = self.window
        return [late * 1000 for at, late, *_ in self.inside[kind] if begin <= at <= end]

    @property
    def lost(self) -> tuple[int, int]:
        """Events lost or garbled in all, and events lost within the measured window."""
        begin, end = self.window
        counts = [lost for at, _, lost in self.inside["told"] if begin <= at <= end]
        totals = self.inside["totals"]
        return totals["lost"] + totals["garbled"], counts[-1] - counts[0]


def run(arguments: list[str], seconds: float, ready: Callable[[Terminal], object], keys: Any) -> Measured:
    """Run the launcher: wait until it is ready, measure without input, press keys, and end it."""
    measured = Measured()
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder, "figures.json")
        command = [sys.executable, "-m", "tests.bench.launcher", "--figures", str(figures), *arguments]
        with dashboard(command) as terminal:
            ready(terminal)
            terminal.rest(SETTLE)
            watched = {"dashboard": terminal.pid} | {
                _role(child): child.pid for child in psutil.Process(terminal.pid).children()
            }
            watch, drawn, begun = Stopwatch(*watched.values()), terminal.drawn, time.monotonic()
            terminal.rest(seconds)
            measured.cpu = dict(zip(watched, watch.percent(), strict=True))
            measured.window = (begun, time.monotonic())
            measured.drawn = (terminal.drawn - drawn) / seconds
            measured.rss = psutil.Process(terminal.pid).memory_info().rss / 2**20
            measured.keys = keys(terminal)
        if not figures.exists():
            raise DidNotWork("the dashboard has left no figures")
        measured.inside = json.loads(figures.read_text())
    return measured


def _role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return "clients" if "echo_tui.clients" in line else "server"


def full(terminal: Terminal, expected: Sequence[str] = FULL) -> float:
    """Wait for the first complete screen; return when it was seen."""
    return terminal.wait(lambda words: all(word in words for word in expected), "the first full picture")


def block_keys(terminal: Terminal, count: int) -> list[float]:
    """Return the milliseconds from the key to the screen: the block armed and disarmed, as shown in the header."""
    took: list[float] = []
    for number in range(count):
        words = " ON" if number % 2 == 0 else "block: off"
        _pause()
        pressed = terminal.press("b")
        took.append((terminal.wait(partial(contains, words), f"the header's {words!r}") - pressed) * 1e3)
    return took


def contains(words: str, seen: str) -> bool:
    """Return whether the words have been drawn."""
    return words in seen


def page_keys(terminal: Terminal, count: int) -> list[float]:
    """Return the milliseconds from the key to the screen: a page down in the connections, as shown in its border."""
    terminal.press("3")
    _pause()
    terminal.press("\x1b[6~")  # the first one only moves the cursor to the last row
    place = re.compile(r"([\d,]+) to [\d,]+ of [\d,]+ open")
    took: list[float] = []
    at = 1
    for _ in range(count):
        _pause()
        pressed = terminal.press("\x1b[6~")

        def moved(seen: str, at: int = at) -> bool:
            return any(int(begin.replace(",", "")) > at for begin in place.findall(seen))

        took.append((terminal.wait(moved, "the next page of connections") - pressed) * 1e3)
        at += 1
    return took


def span_keys(terminal: Terminal, count: int) -> list[float]:
    """Milliseconds from key to screen: the timeline's span made shorter and longer, seen in its title."""
    took: list[float] = []
    for number in range(count):
        key, words = ("+", "the last 10 s") if number % 2 == 0 else ("-", "the last 30 s")
        _pause()
        pressed = terminal.press(key)
        took.append((terminal.wait(partial(contains, words), f"{words!r}") - pressed) * 1e3)
    return took


def _pause() -> None:
    """Wait for a random time, so that keys arrive at any phase of the drawing interval."""
    time.sleep(random.uniform(0.25, 0.45))


def _delays(section: Section, runs: list[Measured], kind: str) -> None:
    beats = [late for each in runs for late in each.lags("beats")]
    section.add(Figure("lag of its loop, p99", "ms", beats, LAG, "a beat every 10 ms", "p99"))
    told = [late for each in runs for late in each.lags("told")]
    section.add(Figure("lag as its header tells it, p99", "ms", told, LAG, f"{len(told)} of them", "p99"))
    lost = [float(each.lost[0]) for each in runs]
    count = sum(each.inside["totals"][kind] for each in runs)
    within = sum(each.lost[1] for each in runs)
    note = f"of {count:,} {kind}; {within:,} once it was up (after {SETTLE:g} s)"
    section.add(Figure("lost or garbled", "events", lost, Goal(0.0), note))


def flood(effort: Effort) -> Section:
    """Measure with a stream of events at the full rate."""
    section = Section(f"Screen of {WIDTH} x {HEIGHT}, {RATE:,} events/s")
    seconds, runs = effort.seconds(12, 5), []
    for _ in range(effort.count(3, 1)):
        arguments = ["--port", str(free_port()), "--rate", str(RATE)]
        runs.append(run(arguments, seconds, full, lambda terminal: block_keys(terminal, effort.count(20, 8))))
    _delays(section, runs, "events")
    _keys(section, runs, "key to screen (b), p95")
    note = f"the recording itself {runs[-1].cpu['server']:.0f} %; draws {runs[-1].drawn / 1000:.0f} kB/s"
    section.add(Figure("CPU of the dashboard", "% of a core", _cpu(runs, "dashboard"), Goal(60.0), note))
    return section


def clients(effort: Effort) -> Section:
    """Measure with a thousand clients that each send a message per second."""
    section = Section(f"Screen, {CLIENTS:,} clients at 1 message/s")
    seconds, runs = effort.seconds(12, 5), []

    def ready(terminal: Terminal) -> None:
        full(terminal)
        terminal.wait(lambda words: f"{CLIENTS:,} open" in words, f"{CLIENTS:,} connections open", 30.0)

    for _ in range(effort.count(3, 1)):
        arguments = ["--port", str(free_port()), "--clients", str(CLIENTS), "--chatter", "1"]
        runs.append(run(arguments, seconds, ready, lambda terminal: page_keys(terminal, effort.count(15, 6))))
    _delays(section, runs, "echoes")
    _keys(section, runs, "key to screen (page down), p95")
    section.add(Figure("CPU of the dashboard", "% of a core", _cpu(runs, "dashboard"), None, f"{runs[-1].rss:.0f} MiB"))
    section.add(Figure("CPU of the clients", "% of a core", _cpu(runs, "clients")))
    section.add(Figure("CPU of the server (asyncio)", "% of a core", _cpu(runs, "server")))
    return section


def scale(effort: Effort) -> Section:
    """Measure with ten thousand external clients, and with a thousand that connect and leave each second."""
    section = Section(f"Screen, {EXTERNAL:,} external clients at {CHATTER:g} messages/s each, or {CHURN:,} a second")
    for pattern in ("asyncio", "epoll-loop"):
        for count, option, rate in ((EXTERNAL, "--chatter", CHATTER), (0, "--churn", CHURN)):
            _external(section, effort, pattern, count, (option, str(rate)))
    return section


def _external(section: Section, effort: Effort, pattern: str, count: int, talk: tuple[str, str]) -> None:
    port, runs, had = free_port(), list[Measured](), 0
    name = f"{pattern}, {count:,} connected" if count else f"{pattern}, {talk[1]} a second come and go"
    with contextlib.ExitStack() as stack:
        jobs: list[subprocess.Popen[str]] = []

        def ready(terminal: Terminal) -> None:
            full(terminal)
            command = [sys.executable, "-m", "tests.bench.external", str(port), str(count), *talk]
            jobs.append(stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)))
            stack.callback(jobs[0].kill)
            assert jobs[0].stdout
            if jobs[0].stdout.readline().strip() != str(count):
                raise DidNotWork("not all clients were connected")

        def keys(terminal: Terminal) -> list[float]:
            nonlocal had
            pressed = (page_keys if count else span_keys)(terminal, effort.count(15, 6))
            jobs[0].terminate()
            assert jobs[0].stdout
            had = int(jobs[0].stdout.readline().split()[0])
            terminal.rest(1.0)
            return pressed

        arguments = ["--pattern", pattern, "--port", str(port)]
        runs.append(run(arguments, effort.seconds(12, 5), ready, keys))
    beats = [late for each in runs for late in each.lags("beats")]
    note = f"median {percentile(beats, 50):.1f} ms"
    section.add(Figure(f"{name}: lag of its loop, p99", "ms", beats, LAG, note, "p99"))
    told = runs[0].inside["totals"]
    note = f"of {had:,} echoes; lost {told['lost']:,}"
    section.add(Figure(f"{name}: echoes not counted", "", [float(had - told["send"])], Goal(0.0), note))
    _keys(section, runs, f"{name}: key to screen, p95")
    note = f"CPU {runs[0].cpu['dashboard']:.0f} %, of the server {runs[0].cpu['server']:.0f} %"
    section.add(Figure(f"{name}: memory", "MiB", [runs[0].rss], MEMORY, note))


def _keys(section: Section, runs: list[Measured], name: str) -> None:
    tries = [took for each in runs for took in each.keys]
    section.add(Figure(name, "ms", tries, KEY, f"median {percentile(tries, 50):.0f} ms", "p95"))


def _cpu(runs: list[Measured], role: str) -> list[float]:
    return [each.cpu[role] for each in runs]
