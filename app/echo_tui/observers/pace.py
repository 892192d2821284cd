"""How often an observer samples: as often as wanted, within a limited share of a core."""

import time
from types import TracebackType

OFTEN = 50_000_000
"""The minimum time (ns) between samples: twenty a second."""
CALM = 2
"""The interval is multiplied by this while nothing waits or moves; a change is still seen within 100 ms."""
SHARE = 33
"""After a sample that needed CPU time t, none follows for this many times t: at most 3 % of a core."""
URGENT_SHARE = 10
"""The same while a blocking call is reported, so that stalls are found: at most a tenth of a core."""


class Pace:
    """The sampling interval of one observer, which samples inside `with pace`."""

    def __init__(self, often: int = OFTEN) -> None:
        self._often = often
        self._next = self._soonest = 0
        self._began = (0, 0)
        self.calm = False
        """Whether the last sample showed nothing that waits or moves."""
        self.interval = often
        """The time (ns) from the last sample to the next one."""

    def is_due(self, urgent: bool = False) -> bool:
        """Return whether a sample is due; an urgent one may cost more."""
        return time.monotonic_ns() >= (self._soonest if urgent else self._next)

    def hurry(self) -> None:
        """Make the next sample due at once, whatever the last one cost."""
        self._next = self._soonest = 0

    def __enter__(self) -> None:
        self._began = (time.monotonic_ns(), time.thread_time_ns())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        at, began = self._began
        spent = time.thread_time_ns() - began
        self.interval = max(self._often * (CALM if self.calm else 1), SHARE * spent)
        self._next = at + self.interval
        self._soonest = at + max(self._often, URGENT_SHARE * spent)
