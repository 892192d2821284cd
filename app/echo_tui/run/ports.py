"""The interface between the driver and a run's source: launched, attached or recorded."""

from collections.abc import Callable
from typing import Protocol

from echo_tui.session.session import Session

Clock = Callable[[], int]
"""Returns the time in ns of the monotonic clock, or of a recording. Everything that shows a run uses the driver's."""


class Source(Protocol):
    """The source of a session's observations. None of these calls waits."""

    @property
    def session(self) -> Session:
        """The session that the observations are folded into; a new one after a restart."""

    def drain(self) -> int:
        """Fold what has arrived, within a time budget. Return the number of observations."""

    def sample_kernel(self) -> None:
        """Fold the due samples of the kernel's evidence, which are judged with what has arrived before."""

    def sample_resources(self) -> None:
        """Fold a sample of CPU, memory and context switches."""

    def lag(self, late: int) -> None:
        """Fold how late (ns) the turns of the driver were."""
