"""The verdict on a stall from the samples taken while it lasts: its cause, the thread to blame, and the line."""

from echo_tui.diagnosis.rules import Rule, Suspect, first_rule, suspect
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import Attribution, Cause, Culprit, Stall, is_own
from echo_tui.diagnosis.targets import OnAccept
from echo_tui.model.blocks import KEEPS_GIL
from echo_tui.model.threads import Doing, ThreadState

GIVES_UP = ("accept", "recv", "send", "write", "poll", "sleep", "pause")
"""Kinds of calls that CPython makes without the GIL. A lock is not among them: C code may wait for one with the GIL."""
IN_TURNS = {Cause.COMPUTING, Cause.GIL, Cause.UNCLEAR}
"""Causes between which samples of one thread may alternate without a change of cause."""


def explain(stall: Stall, scene: Scene) -> None:
    """Add the evidence of one sample to a stall."""
    looked_at = suspect(stall.target, scene)
    if rule := first_rule(looked_at):
        _add(stall, rule, looked_at)
    if stall.attribution is Attribution.ACCEPT_QUEUE:
        stall.unanswered, stall.cause = scene.unanswered, Cause.BACKLOG


def _add(stall: Stall, rule: Rule, looked_at: Suspect) -> None:
    state, scene = looked_at.state, looked_at.scene
    if rule.of_thread and state:
        _blame(stall, rule, state, scene)
        return
    cause = _concludes(stall, rule, scene)
    if looked_at.all_stay:
        if state and cause is Cause.ONE_CLIENT:  # no line is to blame, but the one where it idles is worth showing
            _locate(stall, state, scene)
    elif looked_at.call and looked_at.key:
        stall.injected = True
        stall.culprit = stall.culprit or Culprit(*looked_at.key, state.name if state else "", "", "")


def _concludes(stall: Stall, rule: Rule, scene: Scene) -> Cause:
    """Count this sample and return the cause that most samples support."""
    if rule.cause is Cause.STOPPED:
        del stall.evidence[Cause.UNCLEAR]  # this state is read once a second; until then the thread looked idle
    stall.evidence[rule.cause] += 1
    stall.clues[rule.name] += 1
    cause, before = stall.evidence.most_common(1)[0][0], stall.found
    if before not in (cause, Cause.UNCLEAR) and not {before, cause} <= IN_TURNS:
        stall.culprit, stall.located_at, stall.explained_at = None, 0, scene.at
    stall.cause = stall.found = cause
    return cause


def _blame(stall: Stall, rule: Rule, state: ThreadState, scene: Scene) -> None:
    key = (state.pid, state.tid)
    if stall.first is None or stall.first[0] != key:  # samples of another thread don't count
        stall.first = (key, state.ran, state.waited_for_a_core)
        stall.evidence.clear()
        stall.clues.clear()
        # Threads that wait for the GIL may wait for the same holder.
        stall.injected = stall.injected and not isinstance(stall.target, OnAccept)
    cause = _concludes(stall, rule, scene)
    if cause in (Cause.COMPUTING, Cause.NO_CORE):
        ran, waited = state.ran - stall.first[1], state.waited_for_a_core - stall.first[2]
        stall.cause = Cause.NO_CORE if waited > ran else Cause.COMPUTING
    culprit = _holder(state, scene) if cause is Cause.GIL else _at_work(state, scene)
    if culprit is None or cause in (Cause.ONE_CLIENT, Cause.ALL_WORKERS_BUSY):
        return
    stall.injected = stall.injected or any(
        (span.pid, span.tid) == (culprit.pid, culprit.tid) and not span.cooperative for span in scene.blocking
    )
    _locate(stall, culprit, scene)


def _holder(state: ThreadState, scene: Scene) -> ThreadState | None:
    """Return the thread that holds the GIL: the one that reports it, else the only one busy for as long as the wait.

    A busy thread runs, or is in a call that may hold the GIL. Of several, one that is in such a call from the
    program's own code is preferred, because the standard library's locks release the GIL. None if that leaves
    several candidates.
    """
    others = [thread for thread in scene.threads.of(state.pid) if not thread.gil_since]
    keepers = {(span.pid, span.tid) for span in scene.blocking if span.kind == KEEPS_GIL}
    said = [thread for thread in others if (thread.pid, thread.tid) in keepers]
    busy = [thread for thread in others if thread.doing is not Doing.CALL or thread.kind not in GIVES_UP]
    own = [thread for thread in busy if thread.kind != "lock" or (thread.frames and is_own(thread.frames[0]))]
    lasting = [thread for thread in own if thread.since <= state.gil_since]
    return next((those[0] for those in (said, lasting, own, busy) if len(those) == 1), None)


def _at_work(state: ThreadState, scene: Scene) -> ThreadState:
    """Return the thread itself; if it waits for a lock, the only other thread at work in the file of that line.

    A reported block is the thread's own, also when its C code waits in a futex.
    """
    file = _file(state)
    blocks = any((span.pid, span.tid) == (state.pid, state.tid) for span in scene.blocking)
    if state.kind != "lock" or not file or blocks:
        return state
    others = [thread for thread in scene.threads.of(state.pid) if thread.kind != "lock" and not scene.is_idle(thread)]
    there = [thread for thread in others if not thread.gil_since and _file(thread) == file]
    return there[0] if len(there) == 1 else state


def _file(state: ThreadState) -> str:
    """Return the file of the innermost frame of the program's own code; empty if it is unknown."""
    return next((frame.file for frame in state.frames if is_own(frame)), "")


def _locate(stall: Stall, state: ThreadState, scene: Scene) -> None:
    """Keep the thread as the culprit, with its stack if that was taken during this stall."""
    before, worker = stall.culprit, scene.workers.get((state.pid, state.tid))
    since = max(state.since, worker.last_progress if worker else 0)
    # A stack stays valid while its thread has not left the call.
    known = state.framed_at >= max(stall.explained_at, min(stall.begin, since))
    frames = tuple(state.frames) if known else ()
    if before and (before.pid, before.tid) == (state.pid, state.tid):
        frames = frames or before.frames
    elif before:
        stall.located_at = 0
    stall.culprit = Culprit(state.pid, state.tid, state.name, state.call, state.peer, frames)
    if frames and not stall.located_at:
        stall.located_at = scene.at
