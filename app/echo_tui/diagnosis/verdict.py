"""The verdict on a stall from the samples taken while it lasts: its cause, the thread to blame, and the line."""

from dataclasses import replace
from typing import TypeVar

from echo_tui.diagnosis.rules import Rule, Suspect, first_rule, suspect
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import Attribution, Cause, Culprit, Tally, Verdict, is_own
from echo_tui.diagnosis.targets import OnAccept, Target
from echo_tui.model.blocks import KEEPS_GIL
from echo_tui.model.threads import Doing, ThreadState

T = TypeVar("T")
GIVES_UP = ("accept", "recv", "send", "write", "poll", "sleep", "pause")
"""Kinds of calls that CPython makes without the GIL. A lock is not among them: C code may wait for one with the GIL."""
IN_TURNS = {Cause.COMPUTING, Cause.SPINNING, Cause.GIL, Cause.UNCLEAR}
"""Causes between which samples of one thread may alternate without a change of cause."""

LOOKS_BEFORE = {Cause.STOPPED: Cause.UNCLEAR, Cause.SPINNING: Cause.COMPUTING}
"""Causes that are read seldom, over the time before, and what the thread looks like until then."""


def weigh(verdict: Verdict, target: Target, begin: int, scene: Scene) -> Verdict:
    """Return the verdict on a stall of this target since `begin` (ns) with the evidence of one more sample."""
    suspected = suspect(target, scene, begin)
    if rule := first_rule(suspected):
        verdict = _with_rule(verdict, rule, suspected, begin)
    if verdict.attribution is Attribution.ACCEPT_QUEUE:
        verdict = replace(verdict, unanswered=tuple(scene.unanswered), cause=Cause.BACKLOG)
    return verdict


def _with_rule(verdict: Verdict, rule: Rule, suspected: Suspect, begin: int) -> Verdict:
    state, scene = suspected.state, suspected.scene
    if rule.of_thread and state:
        return _blame(verdict, rule, suspected, begin)
    verdict = _conclude(verdict, rule, scene)
    if suspected.pool and verdict.cause is rule.cause:  # no line is to blame, but where one of them is helps
        verdict = _locate(verdict, suspected.pool[0], scene, begin)
    elif suspected.all_stay:
        if state and verdict.cause is Cause.ONE_CLIENT:  # no line is to blame, but where it idles is worth showing
            verdict = _locate(verdict, state, scene, begin)
    elif suspected.call and suspected.key:
        culprit = verdict.culprit or Culprit(*suspected.key, state.name if state else "", "", "")
        verdict = replace(verdict, injected=True, culprit=culprit)
    return verdict


def _conclude(verdict: Verdict, rule: Rule, scene: Scene) -> Verdict:
    """Return the verdict with this sample counted; its cause is the one that most samples support."""
    looked = LOOKS_BEFORE.get(rule.cause)
    evidence = tuple(each for each in verdict.evidence if each[0] is not looked)
    evidence, clues = _count(evidence, rule.cause), _count(verdict.clues, rule.name)
    cause, before = max(evidence, key=lambda each: each[1])[0], verdict.found
    if before not in (cause, Cause.UNCLEAR) and not {before, cause} <= IN_TURNS:
        verdict = replace(verdict, culprit=None, located_at=0, explained_at=scene.at)
    return replace(verdict, evidence=evidence, clues=clues, cause=cause, found=cause)


def _count(counts: Tally[T], what: T) -> Tally[T]:
    """Return the counts with one more of this."""
    if any(each == what for each, _ in counts):
        return tuple((each, number + (each == what)) for each, number in counts)
    return (*counts, (what, 1))


def _blame(verdict: Verdict, rule: Rule, suspected: Suspect, begin: int) -> Verdict:
    state, scene, first = suspected.state, suspected.scene, verdict.first
    assert state
    key = (state.pid, state.tid)
    if first is None or first[0] != key:  # samples of another thread don't count
        first = (key, state.ran, state.waited_for_a_core)
        # Threads that wait for the GIL may wait for the same holder.
        injected = verdict.injected and not isinstance(suspected.target, OnAccept)
        verdict = replace(verdict, first=first, evidence=(), clues=(), injected=injected)
    verdict = _conclude(verdict, rule, scene)
    cause = verdict.cause
    if cause in (Cause.COMPUTING, Cause.NO_CORE):
        ran, waited = state.ran - first[1], state.waited_for_a_core - first[2]
        kept = scene.is_throttled(begin)
        cause = Cause.THROTTLED if kept else Cause.NO_CORE if waited > ran else Cause.COMPUTING
        verdict = replace(verdict, cause=cause)
    culprit = _holder(state, scene) if cause is Cause.GIL else _at_work(state, scene)
    if culprit is None or cause in (Cause.ONE_CLIENT, Cause.ALL_WORKERS_BUSY):
        return verdict
    blocks = any((span.pid, span.tid) == (culprit.pid, culprit.tid) and not span.cooperative for span in scene.blocking)
    return _locate(replace(verdict, injected=verdict.injected or blocks), culprit, scene, begin)


def _holder(state: ThreadState, scene: Scene) -> ThreadState | None:
    """Return the thread that holds the GIL: the one that reports it, else the only one busy for as long as the wait.

    A busy thread runs, or is in a call that may hold the GIL. Of several, one that is in such a call from the
    program's own code is preferred, because the standard library's locks release the GIL. None if that leaves
    several candidates. A thread that sleeps is a candidate only if there is no other one: extension code may call the
    system's sleep without releasing the GIL.
    """
    others = [thread for thread in scene.threads.of(state.pid) if not thread.gil_since]
    keepers = {(span.pid, span.tid) for span in scene.blocking if span.kind == KEEPS_GIL}
    said = [thread for thread in others if (thread.pid, thread.tid) in keepers]
    busy = [thread for thread in others if thread.doing is not Doing.CALL or thread.kind not in GIVES_UP]
    own = [thread for thread in busy if thread.kind != "lock" or (thread.frames and is_own(thread.frames[0]))]
    lasting = [thread for thread in own if thread.since <= state.gil_since]
    asleep = [] if busy else [thread for thread in others if thread.kind == "sleep" and thread.since <= state.gil_since]
    return next((those[0] for those in (said, lasting, own, busy, asleep) if len(those) == 1), None)


def _at_work(state: ThreadState, scene: Scene) -> ThreadState:
    """Return the thread itself; if it waits for a lock, its holder, or the only other thread at work in that file.

    A reported block is the thread's own, also when its C code waits in a futex.
    """
    if state.holder and (holder := scene.threads.known.get((state.pid, state.holder))):
        return holder
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


def _locate(verdict: Verdict, state: ThreadState, scene: Scene, begin: int) -> Verdict:
    """Return the verdict with the thread as the culprit, with its stack if that was taken during the stall."""
    before, worker = verdict.culprit, scene.workers.get((state.pid, state.tid))
    since = max(state.since, worker.last_progress if worker else 0)
    # A stack stays valid while its thread has not left the call.
    known = state.framed_at >= max(verdict.explained_at, min(begin, since))
    frames, located_at = tuple(state.frames) if known else (), verdict.located_at
    if before and (before.pid, before.tid) == (state.pid, state.tid):
        frames = frames or before.frames
    elif before:
        located_at = 0
    if frames and not located_at:
        located_at = scene.at
    call, other = state.call, state.peer or state.remote or state.pipe
    if before and not other and before.peer and (before.pid, before.tid) == (state.pid, state.tid):
        call, other = before.call, before.peer  # the last sample of a stall may see its thread go on
    culprit = Culprit(state.pid, state.tid, state.name, call, other, frames)
    return replace(verdict, culprit=culprit, located_at=located_at)
