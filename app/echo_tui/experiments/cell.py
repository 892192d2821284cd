"""One cell of the matrix: the effect on the other clients, judged by their echoes alone."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles

from echo_tui.diagnosis.stall import Cause

MS = 1_000_000
HALF = 0.5
"""A client without an echo for at least this share of the block is stopped; the others continue."""
NOTICED = 2 * MS
"""The least growth (ns) of round trips that counts as slowed."""
TIMES = 2
"""The least factor of that growth."""


class Effect(enum.Enum):
    """The effect on a client of another client's blocking call."""

    UNTOUCHED = "untouched"
    SLOWED = "slowed"
    STOPPED = "stopped"
    UNSERVED = "not served"
    """It was not accepted before the block began, because no worker was free."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """When (ns) a message was due to be sent, and when it was back; one clock for both."""

    due: int
    at: int


@dataclass(frozen=True, slots=True)
class ClientMeasurements:
    """The measurements of one client.

    `silence` is the longest time (ms) within the block without an echo, and `share` that time by the length of the
    block. `before` and `during` are the round trips (ms, from when a message was due) within which three of four
    messages were, for messages due before and during the block; None if there were none.
    """

    effect: Effect
    silence: float
    share: float
    before: float | None
    during: float | None
    worst: float | None
    same_process: bool = True

    @property
    def slower(self) -> float:
        """The growth (ms) of round trips."""
        return (self.during or 0.0) - (self.before or 0.0)


def measurements_of(
    trips: Sequence[RoundTrip], since: int, begin: int, end: int, same_process: bool = True
) -> ClientMeasurements:
    """Judge one client by its round trips; those due from `since` on are the ones before the block."""
    before = [trip.at - trip.due for trip in trips if since <= trip.due and trip.at < begin]
    during = [trip.at - trip.due for trip in trips if begin <= trip.due < end]
    moments = [begin, *sorted(trip.at for trip in trips if begin < trip.at < end), end]
    silence = max(later - earlier for earlier, later in pairwise(moments))
    share = silence / (end - begin)
    usual, now = _most(before), _most(during)
    if not before:
        effect = Effect.UNSERVED
    elif share >= HALF:
        effect = Effect.STOPPED
    elif now is not None and usual is not None and now > max(TIMES * usual, usual + NOTICED):
        effect = Effect.SLOWED
    else:
        effect = Effect.UNTOUCHED
    return ClientMeasurements(
        effect, silence / MS, share, _ms(usual), _ms(now), _ms(max(during, default=None)), same_process
    )


def _most(times: Sequence[int]) -> float | None:
    """Return the time within which three of four are, so that a few outliers of a busy machine don't count."""
    return quantiles(times, n=4, method="inclusive")[2] if len(times) > 1 else next(iter(times), None)


def _ms(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / MS


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A client that came during the block: after how long (ms) it was connected, and had its first echo.

    None: not before the cell ended. `in_time`: it was served during the block, not at its end. `same_process` is None
    if no process had accepted it by then.
    """

    connected: float | None
    served: float | None
    in_time: bool
    same_process: bool | None = None


@dataclass(frozen=True, slots=True)
class Blame:
    """The stall that was found in this cell: its cause, its line, and its length (ms).

    `victims` counts those of this stall and of others of the same block. `older`: it began before the block, so the
    architecture caused it.
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
    """The measurement of a pattern and a kind of block; or, in `why_not`, why there is none."""

    pattern: str
    kind: str
    why_not: str = ""
    asked: float = 0.0
    """The requested length of the block (s)."""
    lasted: float = 0.0
    """The length of the block (s), as the server reported it."""
    others: tuple[ClientMeasurements, ...] = ()
    expected: tuple[Effect, ...] = ()
    """The expected effect on each of the others, by the kind of block and the architecture."""
    newcomer: Newcomer | None = None
    blame: Blame | None = field(default=None)
    alone: bool = False
    """Whether the client that blocked had its process for itself, though each process serves several."""
    workers: int | None = None
    """The threads or processes of the pool; None if there is no pool."""

    @property
    def effect(self) -> Effect | None:
        """The worst effect on the others; None if nothing was measured."""
        order = (Effect.STOPPED, Effect.SLOWED, Effect.UNTOUCHED, Effect.UNSERVED)
        return next((effect for effect in order if any(other.effect is effect for other in self.others)), None)

    @property
    def shared(self) -> bool:
        """Whether some of the others were in the process that was blocked, and some were not."""
        return len({other.same_process for other in self.others}) > 1

    @property
    def surprise(self) -> bool:
        """Whether the effect on any client differs from the expected one.

        A client that shares the GIL with one that computes need not be slowed if another one is: it may have been
        served each time just before that one got the GIL.
        """
        effects = {other.effect for other in self.others}
        allowed = (Effect.UNTOUCHED, Effect.SLOWED) if Effect.SLOWED in effects else ()
        return any(
            other.effect is not one and (other.effect, one) != allowed
            for other, one in zip(self.others, self.expected, strict=True)
        )

    @property
    def words(self) -> str:
        """The cell in a few words."""
        if self.effect is None:
            return "not measured"
        those, all_of_them = self._those, len(self.others)
        part = "" if len(those) == all_of_them else f", {len(those)} of {all_of_them}"
        return f"{self.effect.value}{self._measure}{part}{', nobody shares its process' if self.alone else ''}"

    @property
    def briefly(self) -> Iterator[str]:
        """Yield the cell in ever fewer words; the fewest give neither time nor share."""
        if self.effect is None:
            return
        part = "" if len(self._those) == len(self.others) else f" {len(self._those)}/{len(self.others)}"
        part += " alone" if self.alone else ""
        yield f"{self.effect.value}{self._measure}{part}"
        yield f"{self.effect.value}{self._measure.replace('+', '').replace(' %', '%').replace(' ms', 'ms')}{part}"
        yield f"{self.effect.value}{part}"

    @property
    def _those(self) -> list[ClientMeasurements]:
        """The clients with the worst effect."""
        return [other for other in self.others if other.effect is self.effect]

    @property
    def most_affected(self) -> ClientMeasurements | None:
        """The client that the words describe: the one affected most among those with the worst effect."""
        how_much = (lambda other: other.slower) if self.effect is Effect.SLOWED else (lambda other: other.share)
        return max(self._those, key=how_much, default=None)

    @property
    def _measure(self) -> str:
        other = self.most_affected
        if other and self.effect is Effect.STOPPED:
            return f" {100 * other.share:.0f} %"
        if other and self.effect is Effect.SLOWED:
            return f" +{_brief(other.slower)} ms"
        return ""


def _brief(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"
