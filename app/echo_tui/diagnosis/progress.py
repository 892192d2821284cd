"""When a worker took something: the moments that divide a wait into gaps, each of which may be a stall."""

from dataclasses import dataclass, field

GRAIN = 10_000_000
"""Takes closer together (ns) than this divide no stall; of those in one grain only the first and the last are kept."""
KEPT = 4096
"""Grains kept between two samples; the records of a hostile server may name any moment."""


@dataclass(slots=True)
class Progress:
    """The moments (ns) at which something was taken, in whatever order they become known."""

    _grains: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._grains)

    def add(self, at: int) -> None:
        """Something was taken at this moment."""
        grain = at // GRAIN
        first, last = self._grains.get(grain, (at, at))
        if grain in self._grains or len(self._grains) < KEPT:
            self._grains[grain] = (min(first, at), max(last, at))

    @property
    def last(self) -> int:
        """The latest moment; 0 where nothing was taken."""
        return max((last for _, last in self._grains.values()), default=0)

    def gaps(self, begin: int, least: int) -> list[tuple[int, int]]:
        """Return the spans of at least `least` ns, from `begin` on, that end with a take and have none inside."""
        found = []
        for first, last in sorted(self._grains.values()):
            if first - begin >= least:
                found.append((begin, first))
            begin = max(begin, last)
        return found

    def copy(self) -> "Progress":
        """The same, no longer changed by what comes."""
        return Progress(self._grains.copy())
