"""Compare what a session found with what its clients experienced (pure).

A wait must be found if no client received anything for its length and the server closed no connection: then no worker
made progress, and the client was a victim of a stall or of its own blocking call. A loop that waits for the GIL
before each step may close connections one after the other for half a second; that is slow, but no stall. Times from
samples may be late by as much as the samples of this run.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.fuzz.clients import Notes

NOTICED = 250_000_000
"""Waits of this length (ns) must be found."""
EARLY = 20_000_000
"""How far (ns) the kernel's time of the last data may be from the client's: its clock ticks every 4 ms."""
Span = tuple[int, int]
NEVER = 1 << 62


@dataclass
class Found:
    """What the session knows at the end: times in ns, by peer."""

    victims: dict[str, list[Span]] = field(default_factory=dict)
    own: dict[str, list[Span]] = field(default_factory=dict)
    """The client's own blocking calls."""
    stalls: list[tuple[int, list[tuple[str, int, int]]]] = field(default_factory=list)
    """The number and the victims of each stall."""
    counts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Bytes received from and sent to a peer, for each connection: ports are reused."""
    goodbyes: list[int] = field(default_factory=list)
    """When the server closed connections."""
    lost: int = 0
    totals: tuple[int, int] = (0, 0)
    """Bytes received and sent in all."""
    late: int = 0
    """How late (ns) a sample may be: two intervals, and twice the worst delay of this run."""


def judge(notes: Sequence[Notes], found: Found) -> list[str]:
    """Return the faults, as sentences."""
    return [*totals(notes, found), *missed(notes, found), *without_waits(notes, found)]


def totals(notes: Sequence[Notes], found: Found) -> Iterator[str]:
    """Yield wrong byte counts."""
    if found.lost:
        return
    for each in notes:
        counted = found.counts.get(each.peer)
        if each.exact and counted and (each.sent, each.received) not in counted:
            yield f"{each.peer} has sent {each.sent} and got {each.received} bytes: counted {counted}"
    known = [each.peer for each in notes if each.exact]
    if all(peer in found.counts for peer in known):
        least = sum(each.received for each in notes), sum(each.sent for each in notes if each.exact)
        if found.totals[1] < least[0] or found.totals[0] < least[1]:
            yield f"all have got {least[0]} bytes and sent {least[1]}: counted {found.totals}"


def missed(notes: Sequence[Notes], found: Found) -> Iterator[str]:
    """Yield waits without progress that no stall covers."""
    heard = sorted({at for each in notes for at in each.heard}.union(found.goodbyes))
    for each in notes:
        for wait in each.waits:
            end = wait.end or each.closed
            silent = minus([(wait.begin, end)], [(at, at) for at in heard])
            told = [*found.own.get(each.peer, ()), *found.victims.get(each.peer, ())]
            for begin, until in minus(silent, told):
                if until - begin >= NOTICED + found.late:
                    yield f"{each.peer} waited {(until - begin) / 1e6:.0f} ms from {begin}, and no stall tells of it"


def without_waits(notes: Sequence[Notes], found: Found) -> Iterator[str]:
    """Yield stalls without a victim that waited by its own clock."""
    by_peer = {each.peer: each for each in notes}
    for number, victims in found.stalls:
        if not victims:
            yield f"stall {number} has no victim"
        elif all(peer in by_peer and not waited(by_peer[peer], begin, end, found.late) for peer, begin, end in victims):
            yield f"stall {number}: nobody waited: {victims}"


def waited(notes: Notes, begin: int, end: int, late: int) -> bool:
    """Return whether a client waited for an echo or for its first service then, or was not reading."""
    first = notes.heard[0] if notes.heard else NEVER
    waits = any(w.begin - EARLY <= end and (w.end or NEVER) + late >= begin for w in notes.waits)
    return waits or first >= begin or not notes.exact


def minus(spans: Iterable[Span], cuts: Iterable[Span]) -> list[Span]:
    """Return the spans without the cuts; an empty cut divides a span."""
    left = list(spans)
    for begin, end in cuts:
        rest: list[Span] = []
        for first, last in left:
            if end < first or begin > last:
                rest.append((first, last))
            else:
                rest += [part for part in ((first, begin), (end, last)) if part[1] > part[0]]
        left = rest
    return left
