"""Why nothing is taken: what the kernel shows of the thread that should take it, for as long as the stall lasts."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.session.connection import Connection
from app.session.parts import BlockSpan, Worker
from app.session.roster import KEEPS_GIL
from app.session.stall import Cause, Culprit, Fault, Stall, is_own
from app.session.threads import Doing, Threads, ThreadState

GIVES_UP = ("accept", "recv", "send", "write", "poll", "sleep", "pause")
"""Calls that Python's own library makes without the GIL; a lock may be waited for by C code that keeps it."""
BRISK = 100_000_000
"""Who has taken something within this time (ns) serves its client, whatever it is seen to do at a look."""
UNSURE = BRISK + 150_000_000
"""For so long (ns) before a look that shows nothing new it may have turned: looks are up to 100 ms apart."""
IN_TURNS = {Cause.COMPUTING, Cause.GIL, Cause.UNCLEAR}
"""Causes that what is seen of one and the same thread may go to and fro between."""
ACCEPT = (0, 0)
"""The key of a stall whose victims wait for anybody to accept them; others have their worker's `(pid, tid)`."""


def gil_of(pid: int) -> tuple[int, int]:
    """The key of a stall whose victims' workers wait for the GIL of a process."""
    return (pid, 0)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is judged: who waits at a moment, who could take it, and what the kernel shows of them."""

    at: int
    unread: list[Connection]
    queued: list[Connection]
    """Those that nobody has accepted, or said so."""
    unanswered: list[str]
    workers: dict[tuple[int, int], Worker]
    threads: Threads
    blocking: Iterable[BlockSpan]
    rests: tuple[str, ...]
    accepted_at: int
    """When anybody was last accepted (ns)."""
    ended_took: dict[int, int]
    """When (ns) those threads of a process that have ended last took anything."""
    unblocked_at: int = 0
    """When (ns) a blocking call last returned."""

    @property
    def loops(self) -> bool:
        """Whether a worker serves many clients at a time, so that to accept is part of the same turn."""
        return "poll" in self.rests

    @property
    def accepting(self) -> list[Worker]:
        """Those that accept, as far as the server has said so."""
        return [worker for worker in self.workers.values() if worker.announced]

    @property
    def busy(self) -> list[tuple[int, int]]:
        """Those that accept and are not at rest, the one first that has taken nothing for longest."""
        busy = [worker for worker in self.accepting if self._is_busy(self.threads.known.get((worker.pid, worker.tid)))]
        return [(worker.pid, worker.tid) for worker in sorted(busy, key=lambda worker: worker.last_take)]

    def rests_in(self, state: ThreadState) -> bool:
        """Whether a thread waits where its next work would wake it; one that is stopped only looks like it."""
        return state.kind in self.rests and not state.stopped and (state.kind != "poll" or state.call == state.home)

    def stays(self, key: tuple[int, int]) -> bool:
        """Whether a worker waits for its own client, asks again and again, or has just taken something of it."""
        state, worker = self.threads.known.get(key), self.workers.get(key)
        if worker and worker.last_take > self.at - BRISK:
            return True
        if state is None:
            return not self.threads.known
        return self.rests_in(state) or ("spin" in self.rests and not state.kind and not state.stopped)

    def turned_at(self, since: int) -> int:
        """When (ns) it turned, after a look that showed nothing new: with what its threads said last, or else now."""
        takes = (worker.last_take for worker in self.accepting)
        moments = (self.unblocked_at, *(span.begin for span in self.blocking), *takes)
        return max((moment for moment in moments if since - UNSURE <= moment <= self.at), default=self.at)

    @property
    def all_stay(self) -> bool:
        """Whether whoever accepts has a client of its own, and one of them waits for it: nobody is to blame then."""
        accepting = self.accepting
        all_serve = accepting and not self.loops and all(worker.serving for worker in accepting)
        return bool(all_serve) and any(self.stays((worker.pid, worker.tid)) for worker in accepting)

    def _is_busy(self, state: ThreadState | None) -> bool:
        return state is not None and not self.rests_in(state)


def explain(stall: Stall, scene: Scene) -> None:
    """Look at whoever should take the work, and say why it does not."""
    if stall.key == gil_of(stall.key[0]) and stall.key != ACCEPT:
        waits = (thread for thread in scene.threads.of(stall.key[0]) if thread.gil_since)
        _blame(stall, next(((thread.pid, thread.tid) for thread in waits), None), scene)
    elif stall.key != ACCEPT:
        _blame(stall, stall.key, scene)
    else:
        _blame_the_accepting(stall, scene)
    if stall.fault is Fault.QUEUE:
        stall.unanswered, stall.cause = scene.unanswered, Cause.BACKLOG


def fault_of(key: tuple[int, int], scene: Scene) -> Fault:
    """Whose fault it is now that those who wait for this key are not taken."""
    if scene.unanswered and (key == ACCEPT or scene.loops):
        return Fault.QUEUE
    return Fault.NOBODY if key == ACCEPT and scene.all_stay else Fault.THREAD


def _blame_the_accepting(stall: Stall, scene: Scene) -> None:
    """Anybody might accept: blame who is free for it, or else say that all stay with their clients."""
    accepting = [(worker.pid, worker.tid) for worker in scene.accepting]
    free = [(worker.pid, worker.tid) for worker in scene.accepting if not worker.serving]
    if scene.loops:
        _blame(stall, next(iter(scene.busy), None) or next(iter(accepting), None), scene)
    elif free or not accepting:
        _blame(stall, next(iter(free), None), scene)
    elif scene.all_stay:
        _concludes(stall, Cause.ONE_CLIENT if len(accepting) == 1 else Cause.ALL_TAKEN, scene)
        state = scene.threads.known.get(accepting[0])
        if state and stall.found is Cause.ONE_CLIENT:  # that is no fault of a line, but it rests at one
            _locate(stall, state, scene)
    else:
        _blame(stall, next((key for key in accepting if key in scene.threads.known), None), scene)


def _concludes(stall: Stall, seen: Cause, scene: Scene) -> Cause:
    """What most looks have shown, with this one."""
    if seen is Cause.STOPPED:
        del stall.evidence[Cause.UNCLEAR]  # that it was stopped is read seldom, and until then it looked at rest
    stall.evidence[seen] += 1
    cause, before = stall.evidence.most_common(1)[0][0], stall.found
    if before not in (cause, Cause.UNCLEAR) and not {before, cause} <= IN_TURNS:
        stall.culprit, stall.located_at, stall.explained_at = None, 0, scene.at
    stall.cause = stall.found = cause
    return cause


def _blame(stall: Stall, key: tuple[int, int] | None, scene: Scene) -> None:
    state = scene.threads.known.get(key) if key else None
    if state is None:
        return
    if stall.first is None or stall.first[0] != key:  # what another one was seen to do, or made to, says nothing of it
        stall.first = ((state.pid, state.tid), state.ran, state.waited_for_a_core)
        stall.evidence.clear()
        stall.injected = stall.injected and stall.key != ACCEPT  # those that want the GIL may want it of the same one
    cause = _concludes(stall, _seen(state, stall, scene), scene)
    if cause in (Cause.COMPUTING, Cause.NO_CORE):
        ran, waited = state.ran - stall.first[1], state.waited_for_a_core - stall.first[2]
        stall.cause = Cause.NO_CORE if waited > ran else Cause.COMPUTING
    culprit = _holder(state, scene) if cause is Cause.GIL else _at_work(state, scene)
    if culprit is None or cause in (Cause.ONE_CLIENT, Cause.ALL_TAKEN):
        return
    stall.injected = stall.injected or any(
        (span.pid, span.tid) == (culprit.pid, culprit.tid) and not span.cooperative for span in scene.blocking
    )
    _locate(stall, culprit, scene)


def _seen(state: ThreadState, stall: Stall, scene: Scene) -> Cause:
    """What a thread is seen to do now, as a reason for taking nothing."""
    if state.stopped:
        return Cause.STOPPED
    if state.doing is Doing.GIL or state.gil_since:
        return Cause.GIL
    if state.doing is not Doing.CALL:
        return Cause.COMPUTING
    if state.kind == "send":
        return Cause.NOT_READING
    return Cause.UNCLEAR if scene.rests_in(state) else Cause.PARKED


def _holder(state: ThreadState, scene: Scene) -> ThreadState | None:
    """The thread that keeps the GIL from one that waits for it: by its own word, or the only one busy for as long.

    Busy is who runs, or waits in a call that does not give the GIL up by itself; of several who do, one that the
    program's own code has called it from: the library's locks do give it up. None if that is not one thread only.
    """
    others = [thread for thread in scene.threads.of(state.pid) if not thread.gil_since]
    keepers = {(span.pid, span.tid) for span in scene.blocking if span.kind == KEEPS_GIL}
    said = [thread for thread in others if (thread.pid, thread.tid) in keepers]
    busy = [thread for thread in others if thread.doing is not Doing.CALL or thread.kind not in GIVES_UP]
    own = [thread for thread in busy if thread.kind != "lock" or (thread.frames and is_own(thread.frames[0]))]
    lasting = [thread for thread in own if thread.since <= state.gil_since]
    return next((those[0] for those in (said, lasting, own, busy) if len(those) == 1), None)


def _at_work(state: ThreadState, scene: Scene) -> ThreadState:
    """The thread itself; or where it waits for a lock, the only one that is at work in the file of that line.

    A block that is reported is the thread's own, also one of C code that waits as for a lock.
    """
    file = _file(state)
    blocks = any((span.pid, span.tid) == (state.pid, state.tid) for span in scene.blocking)
    if state.kind != "lock" or not file or blocks:
        return state
    others = [thread for thread in scene.threads.of(state.pid) if thread.kind != "lock" and not scene.rests_in(thread)]
    there = [thread for thread in others if not thread.gil_since and _file(thread) == file]
    return there[0] if len(there) == 1 else state


def _file(state: ThreadState) -> str:
    """The file of the program's own line that a thread is at, as far as it is known."""
    return next((frame.file for frame in state.frames if is_own(frame)), "")


def _locate(stall: Stall, state: ThreadState, scene: Scene) -> None:
    """Keep the thread's line, if it was asked for during this stall."""
    before, worker = stall.culprit, scene.workers.get((state.pid, state.tid))
    since = max(state.since, worker.last_take if worker else 0)
    # A thread that has not left its call since its stack was looked at is where it was then.
    known = state.framed_at >= max(stall.explained_at, min(stall.begin, since))
    frames = tuple(state.frames) if known else ()
    if before and (before.pid, before.tid) == (state.pid, state.tid):
        frames = frames or before.frames
    elif before:
        stall.located_at = 0
    stall.culprit = Culprit(state.pid, state.tid, state.name, state.call, state.peer, frames)
    if frames and not stall.located_at:
        stall.located_at = scene.at
