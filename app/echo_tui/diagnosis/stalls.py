"""Stalls: work waits in the kernel, and the worker that should do it makes no progress.

Work is unread bytes of an accepted connection, or a connection in the accept queue. The worker is the thread that
serves the connection, or any thread that accepts. Evidence comes from outside the worker: samples of the kernel's
sockets and threads, and the server's records of its progress.
"""

from collections import Counter, deque
from collections.abc import Collection
from itertools import pairwise

from echo_tui.diagnosis.pools import to_ask
from echo_tui.diagnosis.progress import Progress
from echo_tui.diagnosis.rules import attribution_of
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import Cause, Stall, Verdict, Victim, WaitKind
from echo_tui.diagnosis.targets import OnAccept, OnDescriptor, OnGil, OnHelper, OnThread, Target
from echo_tui.diagnosis.verdict import weigh
from echo_tui.diagnosis.waits import last_progress_of, waits
from echo_tui.model.activity import NOTICEABLE
from echo_tui.model.connection import Connection

THRESHOLD = 100_000_000
"""How long (ns) work must wait without progress to be a stall."""
KEPT = 500
VICTIMS_KEPT = 200


class Stalls:
    """The latest stalls, the open ones, and the number of ended ones by cause."""

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self.threshold = threshold
        self.all: deque[Stall] = deque(maxlen=KEPT)
        self.going: dict[Target, Stall] = {}
        self._coming: dict[Target, Stall] = {}
        """Waits of at least half the threshold; each becomes a stall if it lasts for all of it."""
        self._of: dict[int, Stall] = {}
        """The stall, or the coming one, of which a connection is a victim, by the connection's number."""
        self.totals: Counter[Cause] = Counter()
        self.suspects: set[int] = set()
        """Processes whose stacks are needed: a stall there has no line yet, or is about to be found."""
        self._numbers = 0
        self.open = False
        """Whether a stall is open or about to be found; kept as a field, because every record asks for it."""

    def set_threshold(self, threshold: int) -> None:
        """Set how long (ns) work must wait to be a stall, at least 1; it applies to waits judged from now on."""
        self.threshold = max(threshold, 1)

    @property
    def count(self) -> int:
        """The number of stalls reported so far, withdrawn ones included."""
        return self._numbers

    def found_from(self, interval: int) -> int:
        """Return from which length (ns) on every stall is found if samples are `interval` (ns) apart.

        One sample must find that the work has waited for half the threshold; the end is known from the records.
        """
        return max(self.threshold, self.threshold // 2 + interval)

    @property
    def news(self) -> tuple[object, ...]:
        """A value that changes when a stall opens, when its line is found, and when it ends."""
        return (self._numbers, *((stall.number, bool(stall.located_at)) for stall in self.going.values()))

    def progressed(self, targets: Collection[Target], at: int) -> None:
        """Note progress of targets (bytes read, a connection accepted or ended), which divides or ends their stalls."""
        if not self.open:
            return
        for target in targets:
            stall = self.going.get(target) or self._coming.get(target)
            if stall and at > stall.begin:
                stall.progress.add(at)

    def release(self, connection: int, at: int) -> None:
        """Note that a connection no longer waits."""
        if stall := self._of.pop(connection, None):
            stall.release(connection, at)

    def judge(self, scene: Scene) -> None:
        """Open, extend, divide and close stalls according to the evidence of one sample."""
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
        self.suspects.update(to_ask(scene))
        self.open = bool(self.going or self._coming)
        if not self.open:
            self._of.clear()

    def end(self, at: int, targets: Collection[Target] | None = None) -> None:
        """End all stalls, or those of some targets: the server has ended, or their evidence is no longer available."""
        for stall in (*self.going.values(), *self._coming.values()):
            if targets is None or stall.target in targets:
                if stall.progress:
                    self._divide(stall, at)
                if stall is self.going.get(stall.target, self._coming.get(stall.target)):
                    self._over(stall, at, at)
        self.open = bool(self.going or self._coming)
        self.suspects.clear()

    def snapshot(self) -> "Stalls":
        """Return a copy that no longer changes."""
        twin = Stalls(self.threshold)
        copies = {stall.number: stall.copy() for stall in self.going.values()}
        twin.all.extend(copies.get(stall.number, stall) for stall in self.all)  # an ended one never changes
        twin.going = {target: copies[stall.number] for target, stall in self.going.items()}
        twin._coming = {target: stall.copy() for target, stall in self._coming.items()}
        twin.totals, twin._numbers = self.totals.copy(), self._numbers
        twin.suspects, twin.open = self.suspects.copy(), self.open
        return twin

    def _lasts(self, target: Target, those: list[tuple[Connection, int]], begin: int, scene: Scene) -> None:
        stall = self.going.get(target) or self._coming.get(target)
        if stall is None:
            stall = self._coming[target] = _suspected(target, begin, scene)
        stall = self._explained(stall, scene)
        for connection, since in those:
            victim = stall.victims.get(connection.number)
            if victim and victim.end:  # it was served in between, and waits again
                victim.begin = since if victim.end - victim.begin < NOTICEABLE else victim.begin
                victim.end = 0
            elif victim is None and len(stall.victims) < VICTIMS_KEPT:
                stall.victims[connection.number] = Victim(
                    connection.peer, connection.client, since, wait=_wait(connection)
                )
            if connection.number in stall.victims:
                self._of[connection.number] = stall
        if not stall.number and scene.at - stall.begin >= self.threshold:
            self._open(stall, scene.at)
            self.going[target] = self._coming.pop(target)

    def _explained(self, stall: Stall, scene: Scene) -> Stall:
        """Return the stall with the evidence of this sample added, or its successor if the attribution has changed."""
        attribution = attribution_of(stall.target, scene)
        if attribution is stall.attribution:
            stall.other, stall.as_before_at = None, scene.at
            stall.verdict = weigh(stall.verdict, stall.target, stall.begin, scene)
            return stall
        if stall.other is None or stall.other.attribution is not attribution:
            stall.other = _suspected(stall.target, scene.turned_at(stall.as_before_at), scene)
        other = stall.other
        other.verdict = weigh(other.verdict, other.target, other.begin, scene)
        if scene.at - other.begin < self.threshold:
            return stall
        stall.other, other.as_before_at = None, scene.at
        if other.begin - stall.begin < self.threshold:  # the part before would be too short for a stall
            stall.becomes(other)
            return stall
        for number in [number for number, victim in stall.victims.items() if victim.begin >= other.begin]:
            del stall.victims[number]
        self._over(stall, other.begin, scene.at)
        self._coming[stall.target] = other
        return other

    def _its_stall(self, connection: int) -> Target | None:
        """Return the target of the open or coming stall of which a connection is a victim."""
        stall = self._of.get(connection)
        return stall.target if stall and not stall.end else None

    def _open(self, stall: Stall, at: int) -> None:
        self._numbers += 1
        stall.number, stall.seen_at = self._numbers, at
        self.all.append(stall)

    def _divide(self, stall: Stall, at: int) -> None:
        """Divide a stall by the progress made during it: each gap of at least the threshold is a stall.

        Records may come late and in any order: a thread that reads and then loses the GIL reports the read only when
        it gets the GIL back, after the next gap.
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
            if stall.number:  # the reported one keeps its number
                stall.becomes_part(parts[0])
                parts[0] = stall
            for part in parts:
                self._close(part, at)
        elif stall.number and at - last >= self.threshold and (goes_on := stall.part(last, 0)).goes_on:
            stall.becomes_part(goes_on)
        else:
            self._over(stall, stall.begin, at)

    def _over(self, stall: Stall, end: int, at: int) -> None:
        """End a stall; it is withdrawn if it turns out to be too short."""
        del (self.going if stall.number else self._coming)[stall.target]
        stall.end = end
        self._close(stall, at)

    def _close(self, stall: Stall, at: int) -> None:
        for victim in stall.victims.values():
            victim.end = victim.end or stall.end
        long_enough = stall.end - stall.begin >= self.threshold
        if long_enough and not stall.number:
            self._open(stall, at)
        if long_enough:
            self.totals[stall.cause] += 1
        elif stall.number:
            self.all = deque((each for each in self.all if each is not stall), maxlen=KEPT)


def _suspected(target: Target, begin: int, scene: Scene) -> Stall:
    """Return what becomes a stall of a target if it lasts, without evidence so far."""
    return Stall(0, target, begin, scene.at, verdict=Verdict(attribution_of(target, scene)))


def _wait(connection: Connection) -> WaitKind:
    """Return what a connection waits for."""
    if not connection.accepted_at:
        return WaitKind.NOT_ACCEPTED
    return WaitKind.UNREAD if connection.unread else WaitKind.NO_REPLY


def _to_be_located(target: Target, stall: Stall | None, scene: Scene) -> set[int]:
    """Return the processes whose stacks would show the line of a stall or of a coming one."""
    match target:
        case OnThread(pid, _) if scene.parks(pid) and not (stall and stall.located_at):
            return {pid}
        case OnHelper() | OnDescriptor():  # no line is to blame
            return set()
        case OnAccept() if stall is None:
            return {pid for pid, _ in scene.workers}
        case OnThread() | OnGil() if stall is None:
            return {target.pid}
    stall = (stall and stall.other) or stall
    culprit = stall.culprit if stall else None
    return {culprit.pid} if culprit and stall and not stall.located_at else set()
