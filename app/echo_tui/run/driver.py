"""The loop that drives every run: of the dashboard, of a headless run, of the matrix and of tests."""

import time

from echo_tui.run.ports import Clock, Source

TURN = 50_000_000
"""The time (ns) between turns: pipes are read and the kernel is sampled twenty times a second."""
RESOURCES = 500_000_000
"""The time (ns) between samples of CPU, memory and context switches."""


class Driver:
    """The turns of one run. Each reads the pipes and samples what is due; the driver measures how late turns are."""

    def __init__(
        self, source: Source, clock: Clock = time.monotonic_ns, turn: int = TURN, resources: int = RESOURCES
    ) -> None:
        self.source = source
        self._clock = clock
        self._turn, self._resources = turn, resources
        self._due = clock()
        self._sample_at = self._due
        self._worst = 0
        self._begun = False

    @property
    def now(self) -> int:
        """The time (ns) of the driver's clock, which everything that shows the run uses."""
        return self._clock()

    @property
    def wait(self) -> float:
        """Seconds until the next turn is due; 0 if it is."""
        return max(self._due - self._clock(), 0) / 1e9

    @property
    def due(self) -> bool:
        """Whether the next turn is due."""
        return self._clock() >= self._due

    def turn(self) -> int:
        """Take one turn. Return the number of observations that the pipes had."""
        now = self._clock()
        if not self._begun:  # the first one is in time whenever it is taken
            self._begun, self._due = True, now
        late = max(now - self._due, 0)
        self._worst = max(self._worst, late)
        self._due = (self._due if late < self._turn else now) + self._turn
        folded = self.source.drain()
        self.source.sample_kernel()
        if now >= self._sample_at:
            self._sample_at = now + self._resources
            self.source.sample_resources()
        return folded

    def worst_lag(self) -> int:
        """Return how late (ns) the latest turn was at worst since the last call."""
        worst, self._worst = self._worst, 0
        return worst

    def report_lag(self) -> None:
        """Fold the worst lag of turns since the last call into the session."""
        self.source.lag(self.worst_lag())
