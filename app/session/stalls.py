"""Stalls: work waits in the kernel, and whoever should take it takes nothing. Who waits, who is to blame, and why.

Work is unread bytes of an accepted connection, or a connection in the accept queue. The worker that should take it is
the thread that serves the connection, or whoever accepts. Both are judged by evidence from outside: the kernel's
sockets and threads, and the server's records of what it has taken.
"""

import copy
import enum
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.session.connection import Connection
from app.session.observations import Frame
from app.session.parts import BlockSpan, Worker
from app.session.threads import Doing, Threads, ThreadState

THRESHOLD = 100_000_000
"""How long (ns) work waits, and nothing is taken, before it is a stall."""
KEPT = 500
VICTIMS_KEPT = 200
LIBRARY = ("/lib/python", "/lib64/python", "-packages/", "<frozen", "<string>")
"""What is in the path of a file that is not the program's own."""


class Cause(enum.Enum):
    """Why nothing is taken, in one word or two; `SENTENCES` says it in one sentence."""

    PARKED = "parked"
    COMPUTING = "computing"
    GIL = "waiting for the GIL"
    NO_CORE = "no core"
    ALL_TAKEN = "all workers taken"
    ONE_CLIENT = "busy with one client"
    NOT_READING = "client not reading"
    BACKLOG = "backlog full"
    UNCLEAR = "unclear"


SENTENCES = {
    Cause.PARKED: "The thread that should serve them sits in a call that blocks.",
    Cause.COMPUTING: "The thread that should serve them is computing and does not come back.",
    Cause.GIL: "The thread that should serve them waits for the interpreter's lock, which another one keeps.",
    Cause.NO_CORE: "The thread that should serve them could run, and gets no core of the machine.",
    Cause.ALL_TAKEN: "Every worker has a client of its own, and nobody is left to accept.",
    Cause.ONE_CLIENT: "The only thread stays with its client, and meanwhile nobody calls accept.",
    Cause.NOT_READING: "A client does not read its echo, so the thread waits for room to send it.",
    Cause.BACKLOG: "The accept queue is full, and the kernel answers no more clients.",
    Cause.UNCLEAR: "The evidence does not say why.",
}


@dataclass(slots=True)
class Victim:
    """Who waited, from when to when (ns; 0: still waiting)."""

    peer: str
    client: int | None
    begin: int
    end: int = 0


@dataclass(frozen=True, slots=True)
class Culprit:
    """The thread to blame, the call it was seen in, and the calls on its stack, the innermost first."""

    pid: int
    tid: int
    name: str
    call: str
    peer: str
    frames: tuple[Frame, ...] = ()

    @property
    def where(self) -> Frame | None:
        """The innermost line of the program's own code."""
        return next((frame for frame in self.frames if is_own(frame)), next(iter(self.frames), None))


def is_own(frame: Frame) -> bool:
    """Whether a call is in the program's own code."""
    return not any(mark in frame.file for mark in LIBRARY)


@dataclass(slots=True)
class Stall:
    """One stall: from `begin` to `end` (ns; 0 while it goes on), seen at `seen_at` and its line at `located_at`."""

    number: int
    key: tuple[int, int]
    begin: int
    seen_at: int
    injected: bool = False
    end: int = 0
    located_at: int = 0
    cause: Cause = Cause.UNCLEAR
    culprit: Culprit | None = None
    victims: dict[int, Victim] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    evidence: Counter[Cause] = field(default_factory=Counter)
    first: tuple[int, int] | None = None
    """What the culprit had run, and waited for a core (ns), when it was first looked at."""

    def lasted(self, now: int) -> int:
        """How long it has been, or was (ns)."""
        return (self.end or now) - self.begin

    def release(self, number: int, at: int) -> None:
        """One of its victims is taken, or gone: with the first one taken the stall is over."""
        victim = self.victims.get(number)
        if victim and not victim.end:
            victim.end = max(at, victim.begin)
            self.end = self.end or max(at, self.begin)

    def copy(self) -> "Stall":
        """The same, no longer changed by what comes."""
        twin = copy.copy(self)
        twin.victims = {number: copy.copy(victim) for number, victim in self.victims.items()}
        twin.unanswered, twin.evidence = self.unanswered.copy(), self.evidence.copy()
        return twin


ACCEPT = (0, 0)
"""The key of a stall whose victims wait for anybody to accept them; others have their worker's `(pid, tid)`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is judged: who waits at a moment, who could take it, and what the kernel shows of them."""

    at: int
    unread: list[Connection]
    queued: list[Connection]
    unanswered: list[str]
    workers: dict[tuple[int, int], Worker]
    threads: Threads
    blocking: Iterable[BlockSpan]
    rests: tuple[str, ...]
    accepted_at: int
    """When anybody was last accepted (ns)."""

    @property
    def loops(self) -> bool:
        """Whether a worker serves many clients at a time, so that to accept is part of the same turn."""
        return "poll" in self.rests


class Stalls:
    """The latest stalls, those that go on, and how many there were of each cause."""

    def __init__(self, threshold: int = THRESHOLD) -> None:
        self.threshold = threshold
        self.all: deque[Stall] = deque(maxlen=KEPT)
        self.going: dict[tuple[int, int], Stall] = {}
        self.totals: Counter[Cause] = Counter()
        self.suspects: set[int] = set()
        """Processes in which a stall may be about to be found: their stacks are worth asking for."""
        self._numbers = 0

    @property
    def count(self) -> int:
        """How many there were so far."""
        return self._numbers

    def judge(self, scene: Scene) -> None:
        """Find what has stalled and what goes on again, as of this moment."""
        self.suspects.clear()
        waiting: dict[tuple[int, int], list[tuple[Connection, int]]] = {}
        for key, connection, since in _waiting(scene):
            waiting.setdefault(key, []).append((connection, since))
        for key, stall in list(self.going.items()):
            if stall.end or key not in waiting:
                self._over(stall, scene.at)
        for key, those in waiting.items():
            begin = min(since for _, since in those)
            if scene.at - begin >= self.threshold:
                self._stalled(key, those, begin, scene)
            if scene.at - begin >= self.threshold // 2:
                self.suspects.update(_to_be_located(key, self.going.get(key), scene))

    def end(self, at: int) -> None:
        """The server has ended, and its stalls with it."""
        for stall in list(self.going.values()):
            self._over(stall, at)
        self.suspects.clear()

    def copy(self) -> "Stalls":
        """The same, no longer changed by what comes."""
        twin = Stalls(self.threshold)
        copies = {stall.number: stall.copy() for stall in (*self.all, *self.going.values())}
        twin.all.extend(copies[stall.number] for stall in self.all)
        twin.going = {key: copies[stall.number] for key, stall in self.going.items()}
        twin.totals, twin._numbers = self.totals.copy(), self._numbers
        return twin

    def _over(self, stall: Stall, at: int) -> None:
        del self.going[stall.key]
        stall.end = stall.end or at
        for victim in stall.victims.values():
            victim.end = victim.end or stall.end
        self.totals[stall.cause] += 1

    def _stalled(self, key: tuple[int, int], those: list[tuple[Connection, int]], begin: int, scene: Scene) -> None:
        stall = self.going.get(key)
        if stall is None:
            self._numbers += 1
            stall = self.going[key] = Stall(self._numbers, key, begin, scene.at)
            self.all.append(stall)
        for connection, since in those:
            if connection.number not in stall.victims and len(stall.victims) < VICTIMS_KEPT:
                stall.victims[connection.number] = Victim(connection.peer, connection.client, since)
                connection.stall = stall
        _explain(stall, scene)


def _waiting(scene: Scene) -> Iterator[tuple[tuple[int, int], Connection, int]]:
    """Who waits, for whom, and since when nothing has been taken of it."""
    taken: dict[tuple[int, int], int] = {}
    for connection in scene.unread:
        key = (connection.pid, connection.tid)
        if key not in taken:
            taken[key] = _last_take(scene.workers.get(key))
        yield key, connection, max(connection.unread_since, taken[key])
    if scene.queued:
        key = _accepting_loop(scene)
        last = scene.accepted_at if key == ACCEPT else taken.get(key) or _last_take(scene.workers.get(key))
        for connection in scene.queued:
            yield key, connection, max(connection.opened_at, last)


def _last_take(worker: Worker | None) -> int:
    """When a worker last took anything (ns): bytes, a connection, or the end of one."""
    if worker is None:
        return 0
    return max(worker.took_at, max((c.taken_at for c in worker.serving.values()), default=0))


def _accepting_loop(scene: Scene) -> tuple[int, int]:
    """Who accepts: the one loop there is, or anybody."""
    accepting = [key for key, worker in scene.workers.items() if worker.announced]
    return accepting[0] if scene.loops and len(accepting) == 1 else ACCEPT


def _to_be_located(key: tuple[int, int], stall: Stall | None, scene: Scene) -> set[int]:
    """Processes whose stacks would tell the line of a stall, or of one that may be coming."""
    if stall is None:
        return {pid for pid, _ in scene.workers} if key == ACCEPT else {key[0]}
    return {stall.culprit.pid} if stall.culprit and not stall.located_at else set()


def _explain(stall: Stall, scene: Scene) -> None:
    """Look at whoever should take the work, and say why it does not."""
    accepting = [worker for worker in scene.workers.values() if worker.announced]
    if stall.key != ACCEPT:
        _blame(stall, stall.key, scene)
    elif accepting and all(worker.serving for worker in accepting):
        one = len(accepting) == 1
        _blame(stall, (accepting[0].pid, accepting[0].tid) if one else None, scene)
        stall.cause = Cause.ONE_CLIENT if one else Cause.ALL_TAKEN
    else:
        free = next((worker for worker in accepting if not worker.serving), None)
        _blame(stall, (free.pid, free.tid) if free else None, scene)
    stall.unanswered = scene.unanswered if stall.key == ACCEPT or scene.loops else []
    if stall.unanswered:
        stall.cause = Cause.BACKLOG


def _blame(stall: Stall, key: tuple[int, int] | None, scene: Scene) -> None:
    state = scene.threads.known.get(key) if key else None
    if state is None:
        return
    if stall.first is None:
        stall.first = (state.ran, state.waited_for_a_core)
    stall.evidence[_seen(state, stall, scene)] += 1
    cause = stall.evidence.most_common(1)[0][0]
    if cause in (Cause.COMPUTING, Cause.NO_CORE):
        ran, waited = state.ran - stall.first[0], state.waited_for_a_core - stall.first[1]
        cause = Cause.NO_CORE if waited > ran else Cause.COMPUTING
    stall.cause = cause
    culprit = _holder(state, scene.threads) if cause is Cause.GIL else state
    stall.injected = stall.injected or any(
        (span.pid, span.tid) == (culprit.pid, culprit.tid) and not span.cooperative for span in scene.blocking
    )
    _locate(stall, culprit, scene.at)


def _seen(state: ThreadState, stall: Stall, scene: Scene) -> Cause:
    """What a thread is seen to do now, as a reason for taking nothing."""
    if state.doing is Doing.GIL:
        return Cause.GIL
    if state.doing is not Doing.CALL:
        return Cause.COMPUTING
    if state.kind == "send":
        return Cause.NOT_READING
    if state.kind not in scene.rests:
        return Cause.PARKED
    if any(c.unsent for c in scene.unread if c.number in stall.victims):
        return Cause.NOT_READING
    return Cause.UNCLEAR


def _holder(state: ThreadState, threads: Threads) -> ThreadState:
    """The thread that keeps the GIL from one that waits for it: whichever is running, if that is only one."""
    running = [t for t in threads.of(state.pid) if t.doing in (Doing.COMPUTING, Doing.NO_CORE)]
    return running[0] if len(running) == 1 else state


def _locate(stall: Stall, state: ThreadState, at: int) -> None:
    """Keep the thread's line, if it was asked for during this stall."""
    before = stall.culprit
    # A thread that has not left its call since its stack was looked at is where it was then.
    frames = tuple(state.frames) if state.framed_at >= min(stall.begin, state.since) else ()
    if before and (before.pid, before.tid) == (state.pid, state.tid):
        frames = frames or before.frames
    stall.culprit = Culprit(state.pid, state.tid, state.name, state.call, state.peer, frames)
    if frames and not stall.located_at:
        stall.located_at = at
