"""How far a recording has been played, as the seek bar shows it."""

from dataclasses import dataclass
from functools import cached_property

from echo_tui.run.recorded import Recorded


@dataclass(frozen=True)
class Playback:
    """Times are in ns of the recording; `share` is how much of the file has been read so far, from 0 to 1."""

    begin: int
    end: int
    now: int
    speed: float
    paused: bool
    share: float
    damaged: bool
    stalls: tuple[int, ...]

    @classmethod
    def of(cls, source: Recorded) -> "Playback":
        """The playback of a source now."""
        replay = source.replay
        return cls(
            replay.begin, replay.end, source.clock(), source.speed, source.paused, replay.share,
            replay.complete and (replay.damaged or replay.too_large), tuple(mark.at for mark in replay.stalls),
        )  # fmt: skip

    @cached_property
    def length(self) -> int:
        """How long (ns) the recording is, as far as it has been read."""
        return max(self.end - self.begin, 1)

    def column(self, at: int, width: int) -> int:
        """Return the column of a time in a bar of this width."""
        return min(max((at - self.begin) * width // self.length, 0), width - 1)

    def at(self, column: int, width: int) -> int:
        """Return the time (ns) of a column."""
        return self.begin + self.length * min(max(column, 0), width) // max(width, 1)
