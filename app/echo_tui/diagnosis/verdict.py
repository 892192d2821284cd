"""What the samples of a stall come to, for as long as it lasts: its cause, the thread to blame, and the line."""

from echo_tui.diagnosis.rules import Rule, Suspect, first_rule, suspect
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import Attribution, Cause, Culprit, Stall, is_own
from echo_tui.diagnosis.targets import OnAccept
from echo_tui.model.blocks import KEEPS_GIL
from echo_tui.model.threads import Doing, ThreadState

GIVES_UP = ("accept", "recv", "send", "write", "poll", "sleep", "pause")
"""Calls that Python's own library makes without the GIL; a lock may be waited for by C code that keeps it."""
IN_TURNS = {Cause.COMPUTING, Cause.GIL, Cause.UNCLEAR}
"""Causes that what is seen of one and the same thread may go to and fro between."""


def explain(stall: Stall, scene: Scene) -> None:
    """Add what this moment shows to what is known of a stall."""
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
        if state and cause is Cause.ONE_CLIENT:  # that is no fault of a line, but it is idle at one
            _locate(stall, state, scene)
    elif looked_at.call and looked_at.key:
        stall.injected = True
        stall.culprit = stall.culprit or Culprit(*looked_at.key, state.name if state else "", "", "")


def _concludes(stall: Stall, rule: Rule, scene: Scene) -> Cause:
    """Return what most samples have shown, with this one."""
    if rule.cause is Cause.STOPPED:
        del stall.evidence[Cause.UNCLEAR]  # whether it is stopped is read seldom, and until then it looked idle
    stall.evidence[rule.cause] += 1
    stall.clues[rule.name] += 1
    cause, before = stall.evidence.most_common(1)[0][0], stall.found
    if before not in (cause, Cause.UNCLEAR) and not {before, cause} <= IN_TURNS:
        stall.culprit, stall.located_at, stall.explained_at = None, 0, scene.at
    stall.cause = stall.found = cause
    return cause


def _blame(stall: Stall, rule: Rule, state: ThreadState, scene: Scene) -> None:
    key = (state.pid, state.tid)
    if stall.first is None or stall.first[0] != key:  # what another one was seen to do says nothing of this one
        stall.first = (key, state.ran, state.waited_for_a_core)
        stall.evidence.clear()
        stall.clues.clear()
        # Those that want the GIL may want it of the same thread.
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
    others = [thread for thread in scene.threads.of(state.pid) if thread.kind != "lock" and not scene.is_idle(thread)]
    there = [thread for thread in others if not thread.gil_since and _file(thread) == file]
    return there[0] if len(there) == 1 else state


def _file(state: ThreadState) -> str:
    """The file of the program's own line that a thread is at, as far as it is known."""
    return next((frame.file for frame in state.frames if is_own(frame)), "")


def _locate(stall: Stall, state: ThreadState, scene: Scene) -> None:
    """Keep the thread's line, if it was asked for during this stall."""
    before, worker = stall.culprit, scene.workers.get((state.pid, state.tid))
    since = max(state.since, worker.last_progress if worker else 0)
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
