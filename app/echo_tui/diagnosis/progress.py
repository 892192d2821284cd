"""The times at which a target made progress; they divide a wait into gaps, each of which may be a stall."""

from dataclasses import dataclass, field

GRAIN = 10_000_000
"""Progress at shorter intervals (ns) divides no stall; of each grain only the first and the last time are kept."""
KEPT = 4096
"""Grains kept between two samples; a hostile server's records may have any time."""


@dataclass(slots=True)
class Progress:
    """Times (ns) of progress, added in any order."""

    _grains: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._grains)

    def add(self, at: int) -> None:
        """Add a time of progress."""
        grain = at // GRAIN
        first, last = self._grains.get(grain, (at, at))
        if grain in self._grains or len(self._grains) < KEPT:
            self._grains[grain] = (min(first, at), max(last, at))

    @property
    def last(self) -> int:
        """The latest time; 0 without progress."""
        return max((last for _, last in self._grains.values()), default=0)

    def gaps(self, begin: int, least: int) -> list[tuple[int, int]]:
        """Return the spans of at least `least` ns, from `begin` on, that end with progress and contain none."""
        found = []
        for first, last in sorted(self._grains.values()):
            if first - begin >= least:
                found.append((begin, first))
            begin = max(begin, last)
        return found

    def copy(self) -> "Progress":
        """Return a copy that no longer changes."""
        return Progress(self._grains.copy())
