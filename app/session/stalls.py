"""Stalls: work waits in the kernel, and whoever should take it takes nothing.

Work is unread bytes of an accepted connection, or a connection in the accept queue. The worker that should take it is
the thread that serves the connection, or whoever accepts. Both are judged by evidence from outside: the kernel's
sockets and threads, and the server's records of what it has taken.
"""

import functools
from collections import Counter, deque
from collections.abc import Collection, Iterator

from app.session.causes import ACCEPT, Scene, explain, fault_of, gil_of
from app.session.connection import Connection
from app.session.roster import KEEPS_GIL
from app.session.stall import Cause, Stall, Victim

THRESHOLD = 100_000_000
"""How long (ns) work waits, and nothing is taken, before it is a stall."""
KEPT = 500
VICTIMS_KEPT = 200


class Stalls:
    """The latest stalls, those that go on, and how many there were of each cause."""

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self.threshold = threshold
        self.all: deque[Stall] = deque(maxlen=KEPT)
        self.going: dict[tuple[int, int], Stall] = {}
        self._coming: dict[tuple[int, int], Stall] = {}
        """Waits of half the threshold: a stall each, once it is known that they have lasted all of it."""
        self.totals: Counter[Cause] = Counter()
        self.suspects: set[int] = set()
        """Processes in which a stall may be about to be found: their stacks are worth asking for."""
        self._numbers = 0

    @property
    def count(self) -> int:
        """How many were told so far; one that turned out to be none keeps its number."""
        return self._numbers

    @property
    def news(self) -> tuple[object, ...]:
        """Something that changes when a stall is told, when its line is found, and when it is over."""
        return (self._numbers, *((stall.number, bool(stall.located_at)) for stall in self.going.values()))

    def judge(self, scene: Scene) -> None:
        """Find what has stalled and what goes on again, as of this moment."""
        self.suspects.clear()
        waiting: dict[tuple[int, int], list[tuple[Connection, int]]] = {}
        for key, connection, since in _waiting(scene):
            waiting.setdefault(key, []).append((connection, since))
        for stall in (*self.going.values(), *self._coming.values()):
            taken = _last_take(scene, stall.key)
            if stall.end or taken > stall.begin or stall.key not in waiting:
                self._over(stall, taken if taken > stall.begin else stall.freed_at or scene.at, scene.at)
        for key, those in waiting.items():
            begin = min(since for _, since in those)
            if scene.at - begin >= self.threshold // 2:
                self._lasts(key, those, begin, scene)
                self.suspects.update(_to_be_located(key, self.going.get(key), scene))

    def end(self, at: int, keys: Collection[tuple[int, int]] | None = None) -> None:
        """The server has ended, and its stalls with it; or what told of some of them is no longer to be had."""
        for stall in (*self.going.values(), *self._coming.values()):
            if keys is None or stall.key in keys:
                self._over(stall, at, at)
        self.suspects.clear()

    def copy(self) -> "Stalls":
        """The same, no longer changed by what comes."""
        twin = Stalls(self.threshold)
        copies = {stall.number: stall.copy() for stall in self.going.values()}
        twin.all.extend(copies.get(stall.number, stall) for stall in self.all)  # one that is over never changes
        twin.going = {key: copies[stall.number] for key, stall in self.going.items()}
        twin._coming = {key: stall.copy() for key, stall in self._coming.items()}
        twin.totals, twin._numbers = self.totals.copy(), self._numbers
        twin.suspects = self.suspects.copy()
        return twin

    def _lasts(self, key: tuple[int, int], those: list[tuple[Connection, int]], begin: int, scene: Scene) -> None:
        stall = self.going.get(key) or self._coming.get(key)
        if stall is None:
            stall = self._coming[key] = Stall(0, key, begin, scene.at, fault=fault_of(key, scene))
        stall = self._explained(stall, scene)
        for connection, since in those:
            victim = stall.victims.get(connection.number)
            if victim and victim.end:  # it had what it waited for, and waits again
                victim.end, connection.stall = 0, stall
            elif victim is None and len(stall.victims) < VICTIMS_KEPT:
                stall.victims[connection.number] = Victim(connection.peer, connection.client, since)
                connection.stall = stall
        if not stall.number and scene.at - stall.begin >= self.threshold:
            self._tell(stall, scene.at)
            self.going[key] = self._coming.pop(key)

    def _explained(self, stall: Stall, scene: Scene) -> Stall:
        """The stall with what this look shows; or the one in its place, where the fault has changed for good."""
        fault = fault_of(stall.key, scene)
        if fault is stall.fault:
            stall.other, stall.as_before_at = None, scene.at
            explain(stall, scene)
            return stall
        if stall.other is None or stall.other.fault is not fault:
            stall.other = Stall(0, stall.key, scene.turned_at(stall.as_before_at), scene.at, fault=fault)
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
        self._coming[stall.key] = other
        return other

    def _tell(self, stall: Stall, at: int) -> None:
        self._numbers += 1
        stall.number, stall.seen_at = self._numbers, at
        self.all.append(stall)

    def _over(self, stall: Stall, end: int, at: int) -> None:
        """It is over; what has not lasted long enough, as is known only now, was none."""
        (self.going if stall.number else self._coming).pop(stall.key)
        stall.end = stall.end or end
        for victim in stall.victims.values():
            victim.end = victim.end or stall.end
        long_enough = stall.end - stall.begin >= self.threshold
        if long_enough and not stall.number:
            self._tell(stall, at)
        if long_enough:
            self.totals[stall.cause] += 1
        elif stall.number:
            self.all = deque((each for each in self.all if each is not stall), maxlen=KEPT)


def _waiting(scene: Scene) -> Iterator[tuple[tuple[int, int], Connection, int]]:
    """Who waits, for whom, and since when nothing has been taken of it."""
    last_take = functools.cache(lambda key: _last_take(scene, key))
    for connection in scene.unread:
        key = _key(scene, connection)
        yield key, connection, max(connection.unread_since, last_take(key))
    own = {span.connection for span in scene.blocking if span.kind != KEEPS_GIL}  # each is held up by its own call
    for key, worker in scene.workers.items():
        state = scene.threads.known.get(key)
        if state and state.gil_since:  # what it has taken it can't look at, nor say that it has it, nor give it back
            whose, since = gil_of(key[0]), max(state.gil_since, last_take(gil_of(key[0])))
        elif state and scene.loops and not scene.rests_in(state):  # it has taken several's bytes in one turn
            whose, since = key, last_take(key)
        else:
            continue
        for connection in worker.serving.values():
            owed_since = connection.untold_since
            if state.gil_since and connection.number not in own:
                owed_since = owed_since or connection.owed_since
            if owed_since and not connection.unread and not connection.has_its_echo:
                yield whose, connection, max(since, owed_since)
    if scene.queued:
        key = _accepting_loop(scene)
        for connection in scene.queued:
            whose = _its_stall(connection) or key
            yield whose, connection, max(connection.opened_at, last_take(whose))


def _key(scene: Scene, connection: Connection) -> tuple[int, int]:
    """Whose stall the wait of a connection is: its worker's, or the GIL's where that worker waits for it.

    Whoever is in a stall stays in it: threads that compute in turns look now like this and now like that.
    """
    return _its_stall(connection) or _waits_for(scene, (connection.pid, connection.tid))


def _its_stall(connection: Connection) -> tuple[int, int] | None:
    """The stall that a connection is a victim of already, or would be if it lasted."""
    return connection.stall.key if connection.stall and not connection.stall.end else None


def _waits_for(scene: Scene, key: tuple[int, int]) -> tuple[int, int]:
    """A worker, or the GIL of its process where that is what it waits for."""
    state = scene.threads.known.get(key)
    return gil_of(key[0]) if state and state.gil_since else key


def _last_take(scene: Scene, key: tuple[int, int]) -> int:
    """When anything was last taken (ns) by those whom a stall is about: a worker, all who accept, or a whole process.

    A loop that takes bytes turns, and so accepts; who takes them elsewhere says nothing of accepting. A loop that was
    seen resting had taken all there was to take: what the kernel has of a client whose message before is not done with,
    or who does not read its echo, is not for it now, and nobody is woken for urgent bytes.
    """
    if key == ACCEPT:
        takes = [worker.last_take for worker in scene.accepting] if scene.loops else []
        return max(scene.accepted_at, *takes) if takes else scene.accepted_at
    if key == gil_of(key[0]):
        takes = [worker.last_take for (pid, _), worker in scene.workers.items() if pid == key[0]]
        return max(scene.ended_took.get(key[0], 0), *takes)
    worker = scene.workers.get(key)
    return max(worker.last_take if worker else 0, _last_rest(scene, key) if scene.loops else 0)


def _last_rest(scene: Scene, key: tuple[int, int]) -> int:
    """When a loop was last seen resting (ns); one that rested at the last look does so still, as far as is known."""
    state = scene.threads.known.get(key)
    if state is None:
        return 0
    return scene.at if state.rested_at == scene.threads.seen_at else state.rested_at


def _accepting_loop(scene: Scene) -> tuple[int, int]:
    """Who should accept: the one loop there is, or anybody; or the GIL, where it is that which they wait for.

    Of several loops one that rests would accept at once. If it does not, the connection is for a busy one: it was
    the one woken for it, or it has a listening socket of its own.
    """
    accepting = [(worker.pid, worker.tid) for worker in scene.accepting if scene.loops or not worker.serving]
    if scene.loops and len(accepting) == 1:
        return _waits_for(scene, accepting[0])
    if not scene.loops:  # one that has accepted, and can't say so without the GIL
        return next((_waits_for(scene, key) for key in accepting if _waits_for(scene, key) != key), ACCEPT)
    busy = scene.busy
    return busy[0] if busy and len(busy) < len(accepting) else ACCEPT


def _to_be_located(key: tuple[int, int], stall: Stall | None, scene: Scene) -> set[int]:
    """Processes whose stacks would tell the line of a stall, or of one that may be coming."""
    if stall is None:
        return {pid for pid, _ in scene.workers} if key == ACCEPT else {key[0]}
    stall = stall.other or stall
    culprit = stall.culprit
    return {culprit.pid} if culprit and not stall.located_at else set()
