"""Who waits at a moment, for whom, and since when: work in the kernel that nobody reads, accepts or answers."""

import functools
from collections.abc import Callable, Iterator

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
from echo_tui.model.blocks import KEEPS_GIL
from echo_tui.model.connection import Connection

ItsStall = Callable[[int], Target | None]
"""The target of the stall that a connection, by its number, is a victim of already."""


def waits(scene: Scene, its_stall: ItsStall) -> Iterator[tuple[Target, Connection, int]]:
    """Give who waits, for whom, and since when nothing has been read of it.

    Whoever is in a stall stays in it: threads that compute in turns look now like this and now like that.
    """
    last_progress: Callable[[Target], int] = functools.cache(lambda target: last_progress_of(scene, target))
    target: Target
    for connection in scene.unread:
        target = its_stall(connection.number) or _waits_for(scene, (connection.pid, connection.tid))
        yield target, connection, max(connection.unread_since, last_progress(target))
    without_helper = {h.connection: h for h in scene.handed if scene.helpers_are_taken(h)}
    for number, handover in without_helper.items():
        if (waiting := scene.connections.get(number)) is not None:
            target = OnHelper(handover.pid)
            yield target, waiting, max(handover.at, last_progress(target))
    own = {*_in_their_own_calls(scene), *scene.elsewhere, *without_helper}
    for key, worker in scene.workers.items():
        state = scene.threads.known.get(key)
        if state and state.gil_since:  # bytes are read, but not yet processed, reported or echoed
            target = OnGil(worker.pid)
            since = max(state.gil_since, last_progress(target))
        elif state and scene.loops and not scene.is_idle(state):  # it has read from several clients in one turn
            target = OnThread(worker.pid, worker.tid)
            since = last_progress(target)
        else:
            continue
        for connection in worker.serving.values():
            if connection.number in own or connection.unsent:  # by its own call, or because it does not read its echo
                continue
            to_echo_since = connection.unwritten_since or (connection.to_echo_since if state.gil_since else 0)
            if to_echo_since and not connection.unread and not connection.has_its_echo:
                yield target, connection, max(since, to_echo_since, connection.unblocked_at)
    if scene.queued:
        accepting = DESCRIPTOR if scene.starved else _accepting_loop(scene)
        for connection in scene.queued:
            target = accepting if scene.starved else its_stall(connection.number) or accepting
            yield target, connection, max(connection.opened_at, last_progress(target))


def _in_their_own_calls(scene: Scene) -> Iterator[int]:
    """The connections that are held up by their own blocking calls; not those that can't begin one without the GIL."""
    for span in scene.blocking:
        thread = scene.threads.known.get((span.pid, span.tid))
        if span.kind != KEEPS_GIL or not (thread and thread.gil_since):
            yield span.connection


def _waits_for(scene: Scene, worker: tuple[int, int]) -> Target:
    """Return a worker, or the GIL of its process where that is what it waits for."""
    state = scene.threads.known.get(worker)
    return OnGil(worker[0]) if state and state.gil_since else OnThread(*worker)


def last_progress_of(scene: Scene, target: Target) -> int:
    """Return when those whom a stall is about made progress last (ns): a worker, all who accept, or a whole process.

    A loop that reads turns, and so accepts; a thread that reads says nothing of accepting. A loop that was seen idle
    had read all there was to read: what the kernel has of a client whose message before is not answered, or who does
    not read its echo, is not for it now, and nobody is woken for urgent bytes.
    """
    match target:
        case OnDescriptor():
            return scene.accepted_at
        case OnHelper(pid):
            return scene.helped_at.get(pid, 0)
        case OnAccept():
            takes = [worker.last_progress for worker in scene.accepting] if scene.loops else []
            return max(scene.accepted_at, *takes) if takes else scene.accepted_at
        case OnGil(pid):
            takes = [worker.last_progress for (owner, _), worker in scene.workers.items() if owner == pid]
            return max(scene.ended_progress.get(pid, 0), *takes)
        case OnThread(pid, tid):
            worker = scene.workers.get((pid, tid))
            return max(worker.last_progress if worker else 0, _last_rest(scene, (pid, tid)) if scene.loops else 0)


def _last_rest(scene: Scene, worker: tuple[int, int]) -> int:
    """Return when a loop was last seen idle (ns); one that was idle at the last sample is so still, as far as is known.

    One that is in a blocking call by its own report is not, however long ago its thread was sampled.
    """
    state = scene.threads.known.get(worker)
    if state is None:
        return 0
    if any((span.pid, span.tid) == worker for span in scene.blocking):
        return state.idle_at
    return scene.at if state.idle_at == scene.threads.seen_at else state.idle_at


def _accepting_loop(scene: Scene) -> Target:
    """Return who should accept: the one loop there is, or anybody; or the GIL, where they wait for that.

    Of several loops an idle one would accept at once. If it does not, the connection is for a busy one: that one was
    woken for it, or has a listening socket of its own.
    """
    accepting = [(worker.pid, worker.tid) for worker in scene.accepting if scene.loops or not worker.serving]
    if scene.loops and len(accepting) == 1:
        return _waits_for(scene, accepting[0])
    if not scene.loops:  # one that has accepted, and can't report it without the GIL
        waiting = (_waits_for(scene, worker) for worker in accepting)
        return next((target for target in waiting if isinstance(target, OnGil)), ACCEPT)
    busy = scene.busy
    return OnThread(*busy[0]) if busy and len(busy) < len(accepting) else ACCEPT
