"""How often an observer looks: as often as it should, and seldom enough to cost what it may."""

import time
from types import TracebackType

OFTEN = 50_000_000
"""The least time (ns) from one look to the next: twenty a second."""
CALM = 2
"""Where nothing moves, looks are so many times as far apart: whatever begins is still seen within 100 ms."""
SHARE = 33
"""A look that takes t of the processor is followed by none for this many times t: three hundredths of a core."""
URGENT_SHARE = 10
"""The same while a blocking call is reported, so that stalls are found: a tenth of a core at most."""


class Pace:
    """Times the looks of one observer, which are made inside `with pace`."""

    def __init__(self, often: int = OFTEN) -> None:
        self._often = often
        self._next = self._soonest = 0
        self._began = (0, 0)
        self.calm = False
        """Whether the last look has shown nothing that waits or moves."""
        self.interval = often
        """The time (ns) from the last look to the next one."""

    def is_due(self, urgent: bool = False) -> bool:
        """Whether it is time to look again; where it is urgent, a look may cost more."""
        return time.monotonic_ns() >= (self._soonest if urgent else self._next)

    def hurry(self) -> None:
        """Look at once, whatever the last look has cost."""
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
