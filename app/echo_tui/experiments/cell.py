"""One cell of the matrix: what the others felt, judged by their echoes alone (pure)."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles

from echo_tui.diagnosis.stall import Cause

MS = 1_000_000
HALF = 0.5
"""Whoever gets no echo for so large a share of the block is stopped by it; all others go on."""
NOTICED = 2 * MS
"""By how much (ns) round trips grow, at least, before it counts as slowed."""
TIMES = 2
"""And how many times as long it is."""


class Felt(enum.Enum):
    """What a client felt while another one's message blocked."""

    UNTOUCHED = "untouched"
    SLOWED = "slowed"
    STOPPED = "stopped"
    UNSERVED = "not served"
    """It was not accepted before the block began: the architecture had no worker for it."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """When (ns) a message was due to be sent, and when it was back; one clock for both."""

    due: int
    at: int


@dataclass(frozen=True, slots=True)
class Feeling:
    """What one client felt.

    `silence` is the longest time (ms) within the block in which nothing came back, `share` that time by the length
    of the block; `before` and `during` are the round trips (ms, counted from when a message was due) that three of four
    messages kept to, of those due before the block and within it; None where there were none.
    """

    felt: Felt
    silence: float
    share: float
    before: float | None
    during: float | None
    worst: float | None
    same_process: bool = True

    @property
    def slower(self) -> float:
        """By how much (ms) round trips were longer than before."""
        return (self.during or 0.0) - (self.before or 0.0)


def feeling(trips: Sequence[RoundTrip], since: int, begin: int, end: int, same_process: bool = True) -> Feeling:
    """Judge one client by its round trips: those due from `since` on tell how it was before the block."""
    before = [trip.at - trip.due for trip in trips if since <= trip.due and trip.at < begin]
    during = [trip.at - trip.due for trip in trips if begin <= trip.due < end]
    moments = [begin, *sorted(trip.at for trip in trips if begin < trip.at < end), end]
    silence = max(later - earlier for earlier, later in pairwise(moments))
    share = silence / (end - begin)
    usual, now = _most(before), _most(during)
    if not before:
        felt = Felt.UNSERVED
    elif share >= HALF:
        felt = Felt.STOPPED
    elif now is not None and usual is not None and now > max(TIMES * usual, usual + NOTICED):
        felt = Felt.SLOWED
    else:
        felt = Felt.UNTOUCHED
    return Feeling(felt, silence / MS, share, _ms(usual), _ms(now), _ms(max(during, default=None)), same_process)


def _most(times: Sequence[int]) -> float | None:
    """What three of four are within: a few that a busy machine held up do not count, nor a few that had luck."""
    return quantiles(times, n=4, method="inclusive")[2] if len(times) > 1 else next(iter(times), None)


def _ms(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / MS


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A client that came while the block went on: after how long (ms) it was connected, and had its first echo.

    None: not until the cell was over. `in_time`: it was served while the block went on, not as it ended. None in
    `same_process`: nobody had accepted it by then, in the blocked process or another.
    """

    connected: float | None
    served: float | None
    in_time: bool
    same_process: bool | None = None


@dataclass(frozen=True, slots=True)
class Blame:
    """The stall that the dashboard found in this cell: its cause, the line, and how long it was (ms).

    `victims`: how many waited because of the block, in this stall and in others that the block made.
    `older`: it had begun before the block, so the architecture made it.
    """

    number: int
    cause: Cause
    where: str
    victims: int
    length: float
    injected: bool
    older: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What was measured for a pattern and a kind of block; or, in `why_not`, why nothing could be."""

    pattern: str
    kind: str
    why_not: str = ""
    asked: float = 0.0
    """Seconds that the block was asked to last."""
    lasted: float = 0.0
    """Seconds that it lasted, by the server's own word."""
    others: tuple[Feeling, ...] = ()
    expected: tuple[Felt, ...] = ()
    """What each of the others should feel, by what kind of block and what architecture it is."""
    newcomer: Newcomer | None = None
    blame: Blame | None = field(default=None)
    alone: bool = False
    """Whether the client that blocked had its process for itself, though there each serves several."""
    workers: int | None = None
    """Threads or processes of the pool; None where there is none."""

    @property
    def felt(self) -> Felt | None:
        """What those felt that suffered most; None if nothing was measured."""
        order = (Felt.STOPPED, Felt.SLOWED, Felt.UNTOUCHED, Felt.UNSERVED)
        return next((felt for felt in order if any(other.felt is felt for other in self.others)), None)

    @property
    def shared(self) -> bool:
        """Whether some of the others were in the process that was blocked, and some were not."""
        return len({other.same_process for other in self.others}) > 1

    @property
    def surprise(self) -> bool:
        """Whether anybody felt something else than was to be expected.

        Who shares the GIL with one that computes need not be slowed, as long as another one is: its turn may have come
        each time just after that one had got the GIL.
        """
        felt = {other.felt for other in self.others}
        allowed = (Felt.UNTOUCHED, Felt.SLOWED) if Felt.SLOWED in felt else ()
        return any(
            other.felt is not one and (other.felt, one) != allowed
            for other, one in zip(self.others, self.expected, strict=True)
        )

    @property
    def words(self) -> str:
        """The cell in a few words."""
        if self.felt is None:
            return "not measured"
        those, all_of_them = self._those, len(self.others)
        part = "" if len(those) == all_of_them else f", {len(those)} of {all_of_them}"
        return f"{self.felt.value}{self._measure}{part}{', nobody shares its process' if self.alone else ''}"

    @property
    def briefly(self) -> Iterator[str]:
        """The same in ever fewer words; the least say neither how long nor for what share."""
        if self.felt is None:
            return
        part = "" if len(self._those) == len(self.others) else f" {len(self._those)}/{len(self.others)}"
        part += " alone" if self.alone else ""
        yield f"{self.felt.value}{self._measure}{part}"
        yield f"{self.felt.value}{self._measure.replace('+', '').replace(' %', '%').replace(' ms', 'ms')}{part}"
        yield f"{self.felt.value}{part}"

    @property
    def _those(self) -> list[Feeling]:
        """Who suffered most."""
        return [other for other in self.others if other.felt is self.felt]

    @property
    def spoken_of(self) -> Feeling | None:
        """The client that the words speak of: of those who suffered most the one that suffered worst."""
        how_much = (lambda other: other.slower) if self.felt is Felt.SLOWED else (lambda other: other.share)
        return max(self._those, key=how_much, default=None)

    @property
    def _measure(self) -> str:
        other = self.spoken_of
        if other and self.felt is Felt.STOPPED:
            return f" {100 * other.share:.0f} %"
        if other and self.felt is Felt.SLOWED:
            return f" +{_brief(other.slower)} ms"
        return ""


def _brief(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"
