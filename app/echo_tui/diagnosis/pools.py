"""Pools of threads that report nothing: which are exhausted or wait for themselves, and who waits for them."""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import is_own
from echo_tui.model.connection import Connection
from echo_tui.model.evidence import Frame
from echo_tui.model.threads import Doing, ThreadState

LEAST = 2
"""A pool has at least so many threads; a single one may do anything."""
LASTS = 100_000_000
"""For so long (ns) each of its threads has been in its call."""
WORKER = ("/concurrent/futures/thread.py", "_worker")
"""The function in which a thread of an executor waits for tasks, and runs them, by the end of its file."""
FUTURES, RESULTS = "/concurrent/futures/_base.py", ("result", "exception")
"""The functions in which a thread waits for the result of a future."""
ELSEWHERE = ("/asyncio/base_events.py", "/asyncio/runners.py", "/concurrent/futures/process.py")
"""Modules whose threads may give the result of a future that no thread of a pool gives."""


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
    if not scene.loops or scene.parks(pid):
        return []
    loops = {(worker.pid, worker.tid) for worker in scene.accepting}
    threads = [thread for thread in scene.threads.of(pid) if (thread.pid, thread.tid) not in loops]
    calls = {thread.call for thread in threads}
    busy = [t for t in threads if t.doing is Doing.CALL and t.kind != "lock" and scene.at - t.since >= LASTS]
    return busy if len(calls) == 1 and LEAST <= len(busy) == len(threads) < len(pending(scene, pid)) else []


def waits_for_itself(scene: Scene, pid: int) -> list[ThreadState]:
    """Return the threads of the pools of a process if each waits for a result that only they can give; else none.

    Only what is certain is claimed: no other thread of the process runs, or waits for anything but a client to accept
    or a lock, and none runs an event loop, which may give the result of a future too.
    """
    threads = scene.threads.of(pid)
    if not may_wait_for_itself(scene, pid) or any(_unknown(scene, thread) for thread in threads):
        return []
    workers = [thread for thread in threads if _task(thread) is not None]
    elsewhere = any(frame.file.endswith(ELSEWHERE) for thread in threads for frame in _frames(thread))
    return workers if workers and not elsewhere and all(_waits_for_result(thread) for thread in workers) else []


def may_wait_for_itself(scene: Scene, pid: int) -> list[ThreadState]:
    """Return the threads in locks that may be a pool that waits for itself; whether it does depends on their stacks."""
    threads = [] if scene.parks(pid) else scene.threads.of(pid)
    locked = [t for t in threads if t.lock == "private" and scene.at - t.since >= LASTS]
    accept = [t for t in threads if t.kind == "accept" or (t.kind == "poll" and t.accepts)]
    return locked if locked and len(locked) + len(accept) == len(threads) and pending(scene, pid) else []


def to_ask(scene: Scene) -> Iterator[int]:
    """Yield the processes whose stacks would show whether a pool is exhausted, or waits for itself."""
    for pid in processes(scene):
        unknown = any(_unknown(scene, thread) for thread in scene.threads.of(pid))
        if (unknown and may_wait_for_itself(scene, pid)) or (in_question(scene, pid) and not exhausted(scene, pid)):
            yield pid


def pending(scene: Scene, pid: int) -> list[Connection]:
    """Return the connections of a process that wait for a reply, those that have waited longest first."""
    found = [c for number in scene.replies if (c := scene.connections.get(number)) and c.pid == pid]
    return sorted(found, key=lambda connection: scene.replies[connection.number])


def waiting(scene: Scene, pid: int) -> Iterator[tuple[Connection, int]]:
    """Yield who waits for a pool, and since when (ns): an exhausted one works for those that came first."""
    threads = exhausted(scene, pid)
    for connection in pending(scene, pid)[len(threads) :] if threads else ():
        yield connection, max(scene.replies[connection.number], scene.replied_at.get(pid, 0))
    if stuck := waits_for_itself(scene, pid):
        since = max(thread.since for thread in stuck)
        for connection in pending(scene, pid):
            yield connection, max(scene.replies[connection.number], since)


def processes(scene: Scene) -> set[int]:
    """Return the processes with connections that wait for a reply."""
    return {c.pid for number in scene.replies if (c := scene.connections.get(number))} if scene.replies else set()


def _line(thread: ThreadState) -> Frame | None:
    """Return the innermost own frame of a thread, as far as its stack was taken in this call."""
    return next((frame for frame in _frames(thread) if is_own(frame)), None)


def _unknown(scene: Scene, thread: ThreadState) -> bool:
    """Return whether the stacks of a process were not taken since one of its threads has entered its call.

    A thread of native code has no stack of Python, whenever they are taken; one in accept needs none.
    """
    return thread.kind != "accept" and scene.threads.stacked_at.get(thread.pid, 0) < thread.since


def _frames(thread: ThreadState) -> Sequence[Frame]:
    """Return the stack of a thread, if it was taken in its present call."""
    return thread.frames if thread.framed_at >= thread.since else ()


def _task(thread: ThreadState) -> Sequence[Frame] | None:
    """Return the calls of the task that a thread of an executor runs, innermost first; None if it is no such thread."""
    frames = _frames(thread)
    for number, frame in enumerate(frames):
        if frame.function == WORKER[1] and frame.file.endswith(WORKER[0]):
            return frames[:number]
    return None


def _waits_for_result(thread: ThreadState) -> bool:
    """Return whether the task of a thread waits, in a call by the program's own code, for the result of a future."""
    inner = takewhile(lambda frame: not is_own(frame), _task(thread) or ())
    return any(frame.file.endswith(FUTURES) and frame.function in RESULTS for frame in inner)
