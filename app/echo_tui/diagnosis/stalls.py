"""Stalls: work waits in the kernel, and whoever should take it takes nothing.

Work is unread bytes of an accepted connection, or a connection in the accept queue. The worker that should take it is
the thread that serves the connection, or whoever accepts. Both are judged by evidence from outside: the kernel's
sockets and threads, and the server's records of what it has taken.
"""

from collections import Counter, deque
from collections.abc import Collection
from itertools import pairwise

from echo_tui.diagnosis.progress import Progress
from echo_tui.diagnosis.rules import attribution_of
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import Cause, Stall, Victim, Wait
from echo_tui.diagnosis.targets import OnAccept, OnDescriptor, OnGil, OnHelper, OnThread, Target
from echo_tui.diagnosis.verdict import explain
from echo_tui.diagnosis.waits import last_progress_of, waits
from echo_tui.model.activity import NOTICEABLE
from echo_tui.model.connection import Connection

THRESHOLD = 100_000_000
"""How long (ns) work waits, and nothing is taken, before it is a stall."""
KEPT = 500
VICTIMS_KEPT = 200


class Stalls:
    """The latest stalls, those that go on, and how many there were of each cause."""

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self.threshold = threshold
        self.all: deque[Stall] = deque(maxlen=KEPT)
        self.going: dict[Target, Stall] = {}
        self._coming: dict[Target, Stall] = {}
        """Waits of half the threshold: a stall each, once it is known that they have lasted all of it."""
        self._of: dict[int, Stall] = {}
        """The stall that a connection, by its number, is a victim of, or would be if it lasted."""
        self.totals: Counter[Cause] = Counter()
        self.suspects: set[int] = set()
        """Processes in which a stall may be about to be found: their stacks are worth asking for."""
        self._numbers = 0

    def set_threshold(self, threshold: int) -> None:
        """Set how long (ns) work waits before it is a stall; it is never 0, and holds for waits judged from now on."""
        self.threshold = max(threshold, 1)

    @property
    def count(self) -> int:
        """How many were told so far; one that turned out to be none keeps its number."""
        return self._numbers

    @property
    def open(self) -> bool:
        """Whether any stall goes on, or may be about to be one."""
        return bool(self.going or self._coming)

    def found_from(self, interval: int) -> int:
        """From which length (ns) on a stall is found for sure, where samples are so far apart (ns).

        A sample has to come when its work has waited for half the threshold; the end is known from the records.
        """
        return max(self.threshold, self.threshold // 2 + interval)

    @property
    def news(self) -> tuple[object, ...]:
        """Something that changes when a stall is told, when its line is found, and when it is over."""
        return (self._numbers, *((stall.number, bool(stall.located_at)) for stall in self.going.values()))

    def take(self, targets: Collection[Target], at: int) -> None:
        """Something was taken (read, accepted, ended) at a moment: kept for the stalls that it divides or ends."""
        if not self.open:
            return
        for target in targets:
            stall = self.going.get(target) or self._coming.get(target)
            if stall and at > stall.begin:
                stall.progress.add(at)

    def release(self, connection: int, at: int) -> None:
        """A connection has what it waited for."""
        if stall := self._of.pop(connection, None):
            stall.release(connection, at)

    def judge(self, scene: Scene) -> None:
        """Find what has stalled and what goes on again, as of this moment."""
        self.suspects.clear()
        for stall in (*self.going.values(), *self._coming.values()):
            if (last := last_progress_of(scene, stall.target)) > stall.begin:
                stall.progress.add(last)
            if stall.progress:
                self._divide(stall, scene.at)
        waiting: dict[Target, list[tuple[Connection, int]]] = {}
        for target, connection, since in waits(scene, self._its_stall):
            waiting.setdefault(target, []).append((connection, since))
        for stall in (*self.going.values(), *self._coming.values()):
            if stall.target not in waiting:
                self._over(stall, stall.freed_at or scene.at, scene.at)
        for target, those in waiting.items():
            begin = min(since for _, since in those)
            if scene.at - begin >= self.threshold // 2:
                self._lasts(target, those, begin, scene)
                self.suspects.update(_to_be_located(target, self.going.get(target), scene))
        if not self.open:
            self._of.clear()

    def end(self, at: int, targets: Collection[Target] | None = None) -> None:
        """The server has ended, and its stalls with it; or what told of some of them is no longer to be had."""
        for stall in (*self.going.values(), *self._coming.values()):
            if targets is None or stall.target in targets:
                if stall.progress:
                    self._divide(stall, at)
                if stall is self.going.get(stall.target, self._coming.get(stall.target)):
                    self._over(stall, at, at)
        self.suspects.clear()

    def snapshot(self) -> "Stalls":
        """Return a copy that no longer changes."""
        twin = Stalls(self.threshold)
        copies = {stall.number: stall.copy() for stall in self.going.values()}
        twin.all.extend(copies.get(stall.number, stall) for stall in self.all)  # one that is over never changes
        twin.going = {target: copies[stall.number] for target, stall in self.going.items()}
        twin._coming = {target: stall.copy() for target, stall in self._coming.items()}
        twin.totals, twin._numbers = self.totals.copy(), self._numbers
        twin.suspects = self.suspects.copy()
        return twin

    def _lasts(self, target: Target, those: list[tuple[Connection, int]], begin: int, scene: Scene) -> None:
        stall = self.going.get(target) or self._coming.get(target)
        if stall is None:
            stall = self._coming[target] = Stall(0, target, begin, scene.at, attribution=attribution_of(target, scene))
        stall = self._explained(stall, scene)
        for connection, since in those:
            victim = stall.victims.get(connection.number)
            if victim and victim.end:  # it had what it waited for, and waits again
                victim.begin = since if victim.end - victim.begin < NOTICEABLE else victim.begin
                victim.end = 0
            elif victim is None and len(stall.victims) < VICTIMS_KEPT:
                stall.victims[connection.number] = Victim(
                    connection.peer, connection.client, since, wait=_wait(connection)
                )
            if connection.number in stall.victims:
                self._of[connection.number] = stall
        if not stall.number and scene.at - stall.begin >= self.threshold:
            self._tell(stall, scene.at)
            self.going[target] = self._coming.pop(target)

    def _explained(self, stall: Stall, scene: Scene) -> Stall:
        """The stall with what this look shows; or the one in its place, where the fault has changed for good."""
        attribution = attribution_of(stall.target, scene)
        if attribution is stall.attribution:
            stall.other, stall.as_before_at = None, scene.at
            explain(stall, scene)
            return stall
        if stall.other is None or stall.other.attribution is not attribution:
            stall.other = Stall(0, stall.target, scene.turned_at(stall.as_before_at), scene.at, attribution=attribution)
        other = stall.other
        explain(other, scene)
        if scene.at - other.begin < self.threshold:
            return stall
        stall.other, other.as_before_at = None, scene.at
        if other.begin - stall.begin < self.threshold:  # what was before would be none by itself
            stall.becomes(other)
            return stall
        for number in [number for number, victim in stall.victims.items() if victim.begin >= other.begin]:
            del stall.victims[number]
        self._over(stall, other.begin, scene.at)
        self._coming[stall.target] = other
        return other

    def _its_stall(self, connection: int) -> Target | None:
        """Return the target of the stall that a connection is a victim of already, or would be if it lasted."""
        stall = self._of.get(connection)
        return stall.target if stall and not stall.end else None

    def _tell(self, stall: Stall, at: int) -> None:
        self._numbers += 1
        stall.number, stall.seen_at = self._numbers, at
        self.all.append(stall)

    def _divide(self, stall: Stall, at: int) -> None:
        """Something was taken during a stall: what is left of it is a stall for each gap that is long enough.

        Records may come late, and in any order: a thread that takes something and loses the GIL at once tells it only
        once it has the GIL again, when the next gap is over too.
        """
        gaps, last = stall.progress.gaps(stall.begin, self.threshold), stall.progress.last
        stall.progress = Progress()
        parts = [part for begin, end in gaps if (part := stall.part(begin, end)).lasted(at) >= self.threshold]
        for part, following in pairwise(parts):
            for victim in part.victims.keys() & following.victims.keys():
                part.victims[victim].end = part.end
        if parts:
            del (self.going if stall.number else self._coming)[stall.target]
            parts[0].number, parts[0].seen_at = stall.number, stall.seen_at
            if stall.number:  # it stays the one that was told
                stall.becomes_part(parts[0])
                parts[0] = stall
            for part in parts:
                self._close(part, at)
        elif stall.number and at - last >= self.threshold and (goes_on := stall.part(last, 0)).goes_on:
            stall.becomes_part(goes_on)
        else:
            self._over(stall, stall.begin, at)

    def _over(self, stall: Stall, end: int, at: int) -> None:
        """It is over; what has not lasted long enough, as is known only now, was none."""
        del (self.going if stall.number else self._coming)[stall.target]
        stall.end = end
        self._close(stall, at)

    def _close(self, stall: Stall, at: int) -> None:
        for victim in stall.victims.values():
            victim.end = victim.end or stall.end
        long_enough = stall.end - stall.begin >= self.threshold
        if long_enough and not stall.number:
            self._tell(stall, at)
        if long_enough:
            self.totals[stall.cause] += 1
        elif stall.number:
            self.all = deque((each for each in self.all if each is not stall), maxlen=KEPT)


def _wait(connection: Connection) -> Wait:
    """Return what a connection waits for."""
    if not connection.accepted_at:
        return Wait.NOT_ACCEPTED
    return Wait.UNREAD if connection.unread else Wait.NO_REPLY


def _to_be_located(target: Target, stall: Stall | None, scene: Scene) -> set[int]:
    """Return the processes whose stacks would tell the line of a stall, or of one that may be coming."""
    match target:
        case OnHelper() | OnDescriptor():  # no line is to blame
            return set()
        case OnAccept() if stall is None:
            return {pid for pid, _ in scene.workers}
        case OnThread() | OnGil() if stall is None:
            return {target.pid}
    stall = (stall and stall.other) or stall
    culprit = stall.culprit if stall else None
    return {culprit.pid} if culprit and stall and not stall.located_at else set()
