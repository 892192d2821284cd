"""When to wake which sleeper: one alarm each."""

import heapq
from typing import Protocol

SLACK = 64


class Sleeper(Protocol):
    """Anything that can be woken."""

    def wake(self) -> None:
        """Handle the alarm."""


class Alarms:
    """Times of the monotonic clock (ns). Many sleepers share a time, as clients under load do."""

    def __init__(self) -> None:
        self._at: dict[Sleeper, int] = {}
        self._sleepers: dict[int, list[Sleeper]] = {}
        self._times: list[int] = []

    def set(self, sleeper: Sleeper, at: int) -> None:
        """Wake the sleeper at `at`, in place of its earlier alarm."""
        before = self._at.get(sleeper)
        if before == at:
            return
        if before is not None:
            self.cancel(sleeper)
        self._at[sleeper] = at
        if at in self._sleepers:
            self._sleepers[at].append(sleeper)
        else:
            self._sleepers[at] = [sleeper]
            heapq.heappush(self._times, at)

    def cancel(self, sleeper: Sleeper) -> None:
        """Cancel the alarm of a sleeper."""
        at = self._at.pop(sleeper, None)
        if at is None:
            return
        self._sleepers[at].remove(sleeper)
        if not self._sleepers[at]:
            del self._sleepers[at]
            if len(self._times) > 2 * len(self._sleepers) + SLACK:
                self._times = sorted(self._sleepers)

    def next(self) -> int | None:
        """Return the time of the next alarm; a cancelled time may remain for a while."""
        return self._times[0] if self._times else None

    def ring(self, now: int) -> list[Sleeper]:
        """Return the sleepers that are due, the earliest first; their alarms are removed."""
        due: list[Sleeper] = []
        while self._times and self._times[0] <= now:
            due += self._sleepers.pop(heapq.heappop(self._times), ())
        for sleeper in due:
            del self._at[sleeper]
        return due
