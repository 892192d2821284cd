"""Pools of threads that work for an event loop and report nothing: which are exhausted, and who waits for them."""

from collections.abc import Iterator

from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import is_own
from echo_tui.model.connection import Connection
from echo_tui.model.evidence import Frame
from echo_tui.model.threads import Doing, ThreadState

LEAST = 2
"""A pool has at least so many threads; a single one may do anything."""
LASTS = 100_000_000
"""For so long (ns) each of its threads has been in its call."""


def exhausted(scene: Scene, pid: int) -> list[ThreadState]:
    """Return the threads of an exhausted pool; none if one of them is free, or if it is not known to be a pool.

    All threads of the process that do not accept are in the same call, at the same line of the program. A thread
    that waits for a lock may be a free one: that is how a pool's thread waits for work.
    """
    threads = in_question(scene, pid)
    lines = {_line(thread) for thread in threads}
    return threads if len(lines) == 1 and None not in lines else []


def in_question(scene: Scene, pid: int) -> list[ThreadState]:
    """Return the threads that may be an exhausted pool; whether they are depends on their stacks."""
    if not scene.loops:
        return []
    loops = {(worker.pid, worker.tid) for worker in scene.accepting}
    threads = [thread for thread in scene.threads.of(pid) if (thread.pid, thread.tid) not in loops]
    calls = {thread.call for thread in threads}
    busy = [t for t in threads if t.doing is Doing.CALL and t.kind != "lock" and scene.at - t.since >= LASTS]
    return busy if len(calls) == 1 and LEAST <= len(busy) == len(threads) < len(pending(scene, pid)) else []


def pending(scene: Scene, pid: int) -> list[Connection]:
    """Return the connections of a process that wait for a reply, those that have waited longest first."""
    found = [c for number in scene.replies if (c := scene.connections.get(number)) and c.pid == pid]
    return sorted(found, key=lambda connection: scene.replies[connection.number])


def waiting(scene: Scene, pid: int) -> Iterator[tuple[Connection, int]]:
    """Yield who waits for an exhausted pool, and since when (ns): the pool works for those that came first."""
    threads = exhausted(scene, pid)
    for connection in pending(scene, pid)[len(threads) :] if threads else ():
        yield connection, max(scene.replies[connection.number], scene.replied_at.get(pid, 0))


def processes(scene: Scene) -> set[int]:
    """Return the processes with connections that wait for a reply."""
    return {c.pid for number in scene.replies if (c := scene.connections.get(number))} if scene.replies else set()


def _line(thread: ThreadState) -> Frame | None:
    """Return the innermost own frame of a thread, as far as its stack was taken in this call."""
    if thread.framed_at < thread.since:
        return None
    return next((frame for frame in thread.frames if is_own(frame)), None)
