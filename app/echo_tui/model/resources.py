"""CPU, memory and context switches of the server's processes, the machine's cores, and the dashboard's own lag."""

import copy
from collections import deque
from dataclasses import dataclass, field

from echo_tui.model.activity import SECOND
from echo_tui.model.observations import CoresSample, Lag, ProcessSample, Throttled
from echo_tui.model.totals import PROCESSES_KEPT

HISTORY = 240
"""Samples of CPU remembered for each process and core."""
LAGS_KEPT = 200


@dataclass(slots=True)
class Process:
    """A process of the server, sampled; switches are per second, None where unknown."""

    pid: int
    parent: int
    since: int
    cpu: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    rss: int | None = None
    rss_at_first: int | None = None
    """Its memory when the server had just begun to listen."""
    threads: int | None = None
    voluntary: float | None = None
    involuntary: float | None = None
    gone_at: int = 0
    last: tuple[int, int | None, int | None] = (0, None, None)

    @property
    def growth(self) -> int:
        """By how many bytes its memory has grown since the server began to listen."""
        return 0 if self.rss is None or self.rss_at_first is None else max(self.rss - self.rss_at_first, 0)

    def sampled(self, o: ProcessSample, listening: bool) -> None:
        """Add a sample."""
        if o.cpu is not None:
            self.cpu.append((o.at, o.cpu))
        self.rss, self.threads = o.rss, o.threads
        if self.rss_at_first is None and listening:
            self.rss_at_first = o.rss
        self._switched(o.at, o.voluntary, o.involuntary)

    def ended(self, at: int) -> None:
        """Note that it has ended."""
        if not self.gone_at:
            self.gone_at, self.threads = at, None

    def snapshot(self) -> "Process":
        """Return a copy that no longer changes."""
        twin = copy.copy(self)
        twin.cpu = self.cpu.copy()
        return twin

    def _switched(self, at: int, voluntary: int | None, involuntary: int | None) -> None:
        """Work out the rates of context switches since the totals before."""
        before, was_voluntary, was_involuntary = self.last
        span = (at - before) / 1e9
        self.voluntary = _rate(was_voluntary, voluntary, span)
        self.involuntary = _rate(was_involuntary, involuntary, span)
        self.last = (at, voluntary, involuntary)


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    # Totals are sums over living threads, so they fall when a thread ends.
    if before is None or now is None or seconds <= 0 or now < before:
        return None
    return (now - before) / seconds


class Resources:
    """The server's processes by pid, the CPU of each core in percent, and how late the dashboard's own loop was."""

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self.cores: list[deque[tuple[int, float]]] = []
        self.throttled: deque[tuple[int, int]] = deque(maxlen=HISTORY)
        """When (ns), and for how long (ns) the server's control group had been throttled by then."""
        self._lags: deque[tuple[int, int]] = deque(maxlen=LAGS_KEPT)

    def sampled(self, o: ProcessSample, listening: bool) -> None:
        """Add a sample of a process."""
        process = self.processes.get(o.pid)
        if process is None and len(self.processes) >= PROCESSES_KEPT:
            gone = next((pid for pid, each in self.processes.items() if each.gone_at), None)
            if gone is not None:
                del self.processes[gone]
        if process is None or process.gone_at:  # the system reuses pids
            process = self.processes[o.pid] = Process(o.pid, o.parent, o.at)
        process.sampled(o, listening)

    def process_gone(self, pid: int, at: int) -> None:
        """Note that a process has ended."""
        if process := self.processes.get(pid):
            process.ended(at)

    def all_gone(self, at: int) -> None:
        """Note that the server has ended, and all its processes."""
        for process in self.processes.values():
            process.ended(at)

    def add_cores(self, o: CoresSample) -> None:
        """Add a sample of the cores."""
        while len(self.cores) < len(o.percent):
            self.cores.append(deque(maxlen=HISTORY))
        for history, percent in zip(self.cores, o.percent, strict=False):
            history.append((o.at, percent))

    def add_throttled(self, o: Throttled) -> None:
        """Add for how long the server's control group has been throttled."""
        self.throttled.append((o.at, o.total))

    def add_lag(self, o: Lag) -> None:
        """Note by how much the dashboard's own loop was late."""
        self._lags.append((o.at, o.late))

    def worst_lag(self, now: int, span: int = 10 * SECOND) -> int | None:
        """Return the dashboard's own greatest lag (ns) within a span before `now`; None if it was never measured."""
        return max((late for at, late in self._lags if at >= now - span), default=None)

    def snapshot(self) -> "Resources":
        """Return a copy that no longer changes."""
        twin = Resources()
        twin.processes = {pid: process.snapshot() for pid, process in self.processes.items()}
        twin.throttled = self.throttled.copy()
        twin.cores, twin._lags = [history.copy() for history in self.cores], self._lags.copy()
        return twin
