"""What the driver needs of a run, whatever its source: a launched server now; attached and recorded ones later."""

from collections.abc import Callable
from typing import Protocol

from echo_tui.session.session import Session

Clock = Callable[[], int]
"""Returns the time in ns of the monotonic clock, or of a recording. Everything that shows a run uses the driver's."""


class Source(Protocol):
    """Where the observations of one session come from. None of these calls waits."""

    @property
    def session(self) -> Session:
        """The session that the observations are folded into; another one after a restart."""

    def drain(self) -> int:
        """Fold what has arrived, within a budget of time. Return the number of observations."""

    def look(self) -> None:
        """Fold the samples of the kernel's evidence that are due, which are judged with what has arrived before."""

    def sample(self) -> None:
        """Fold a sample of CPU, memory and context switches."""

    def lag(self, late: int) -> None:
        """Fold by how much (ns) the turns of the driver were late."""
