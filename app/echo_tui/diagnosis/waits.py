"""Which connections wait, on which target, and since when: work that nobody reads, accepts or answers."""

import functools
from collections.abc import Callable, Iterator

from echo_tui.diagnosis.pools import processes, waiting
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.targets import (
    ACCEPT,
    DESCRIPTOR,
    OnAccept,
    OnDescriptor,
    OnGil,
    OnHelper,
    OnThread,
    Target,
)
from echo_tui.model.activity import NOTICEABLE
from echo_tui.model.blocks import KEEPS_GIL
from echo_tui.model.connection import Connection

ItsStall = Callable[[int], Target | None]
"""The target of the stall that a connection, by its number, is a victim of already."""


def waits(scene: Scene, its_stall: ItsStall) -> Iterator[tuple[Target, Connection, int]]:
    """Yield each waiting connection with its target, and since when (ns) it has waited without progress.

    A victim of a stall keeps its target: threads that compute in turns look different in each sample.
    """
    last_progress: Callable[[Target], int] = functools.cache(lambda target: last_progress_of(scene, target))
    target: Target
    for connection in scene.unread:
        target = its_stall(connection.number) or _waits_for(scene, (connection.pid, connection.tid))
        yield target, connection, max(connection.unread_since, last_progress(target))
    without_helper = {h.connection: h for h in scene.handed if scene.helpers_are_busy(h)}
    for number, handover in without_helper.items():
        if (waits_for_helper := scene.connections.get(number)) is not None:
            target = OnHelper(handover.pid)
            yield target, waits_for_helper, max(handover.at, last_progress(target))
    own = {*_in_their_own_calls(scene), *scene.elsewhere, *without_helper}
    for key, worker in scene.workers.items():
        state = scene.threads.known.get(key)
        if state and state.gil_since:  # bytes are read, but not yet processed, reported or echoed
            target = OnGil(worker.pid)
            since = max(state.gil_since, last_progress(target))
        elif state and scene.loops and not (state.parks or scene.is_idle(state)):  # it has read from several at once
            target = OnThread(worker.pid, worker.tid)
            since = last_progress(target)
        else:
            continue
        for connection in worker.serving.values():
            if connection.number in own or connection.unsent:  # it waits for its own call, or does not read its echo
                continue
            if scene.at - connection.unblocked_at < NOTICEABLE:  # its own call is just over, and its echo on its way
                continue
            to_echo_since = connection.unwritten_since or (connection.to_echo_since if state.gil_since else 0)
            if to_echo_since and not connection.unread and not connection.has_its_echo:
                yield target, connection, max(since, to_echo_since, connection.unblocked_at)
    for pid in processes(scene):
        for connection, since in waiting(scene, pid):
            target = OnHelper(pid)
            yield target, connection, since
    if scene.queued:
        accepting = DESCRIPTOR if scene.starved else _accepting_loop(scene)
        for connection in scene.queued:
            target = accepting if scene.starved else its_stall(connection.number) or accepting
            yield target, connection, max(connection.opened_at, last_progress(target))


def _in_their_own_calls(scene: Scene) -> Iterator[int]:
    """Yield connections that wait for their own blocking calls, except for calls that can't begin without the GIL."""
    for span in scene.blocking:
        thread = scene.threads.known.get((span.pid, span.tid))
        if span.kind != KEEPS_GIL or not (thread and thread.gil_since):
            yield span.connection


def _waits_for(scene: Scene, worker: tuple[int, int]) -> Target:
    """Return a worker as the target, or the GIL of its process if the worker waits for that."""
    state = scene.threads.known.get(worker)
    return OnGil(worker[0]) if state and state.gil_since else OnThread(*worker)


def last_progress_of(scene: Scene, target: Target) -> int:
    """Return when (ns) a target last made progress.

    A loop that reads also accepts in the same turn; a thread that reads does not. A loop that was sampled idle had
    nothing left to do: it deliberately leaves bytes of a client that does not read its echo, or whose last message
    is not answered, and urgent bytes wake nobody.
    """
    match target:
        case OnDescriptor():
            return scene.accepted_at
        case OnHelper(pid):
            return scene.helped_at.get(pid, 0)
        case OnAccept():
            progress = [worker.last_progress for worker in scene.accepting] if scene.loops else []
            return max(scene.accepted_at, *progress) if progress else scene.accepted_at
        case OnGil(pid):
            progress = [worker.last_progress for (owner, _), worker in scene.workers.items() if owner == pid]
            return max(scene.ended_progress.get(pid, 0), *progress)
        case OnThread(pid, tid):
            worker = scene.workers.get((pid, tid))
            return max(worker.last_progress if worker else 0, _last_idle(scene, (pid, tid)) if scene.loops else 0)


def _last_idle(scene: Scene, worker: tuple[int, int]) -> int:
    """Return when (ns) a loop was last idle; one that was idle at the last sample is taken to be idle still.

    A loop that reports a blocking call is not idle, however old the sample of its thread is.
    """
    state = scene.threads.known.get(worker)
    if state is None:
        return 0
    if state.parks or any((span.pid, span.tid) == worker for span in scene.blocking):
        return state.idle_at
    return scene.at if state.idle_at == scene.threads.seen_at else state.idle_at


def _accepting_loop(scene: Scene) -> Target:
    """Return the target that should accept: the only loop, any accepting thread, or the GIL if they wait for it.

    Of several loops an idle one accepts at once. A connection that still waits is for a busy one, which was woken for
    it or has a listening socket of its own.
    """
    accepting = [(worker.pid, worker.tid) for worker in scene.accepting if scene.loops or not worker.serving]
    if scene.loops and len(accepting) == 1:
        return _waits_for(scene, accepting[0])
    if not scene.loops:  # it may have accepted, and can't report it without the GIL
        waiting = (_waits_for(scene, worker) for worker in accepting)
        return next((target for target in waiting if isinstance(target, OnGil)), ACCEPT)
    busy = scene.busy
    return OnThread(*busy[0]) if busy and len(busy) < len(accepting) else ACCEPT
