"""Which goroutine of a Go program waiting connections are stuck in.

The runtime parks a goroutine without a thread, so the kernel does not show what it waits for. Blamed is a goroutine
whose stack refers to a connection that waits, or to the listening socket while connections wait to be accepted. Where
no stack does, it is the only one in the program's own code that does not wait for a client. If these are at different
places, none is blamed.
"""

from collections.abc import Sequence
from dataclasses import replace

from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import is_own
from echo_tui.model.evidence import LISTENER, Frame, Goroutine
from echo_tui.model.threads import Doing, ThreadState

LASTS = 100_000_000
"""A connection that has waited for so long (ns) is stuck."""
LOCKS = ("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock")
"""Waits for a lock that another goroutine has."""
RUNNABLE = "runnable"
"""It does not wait, and has no core at the moment."""
UNKNOWN = "?"
"""What `Goroutine.polls` is for a socket that is no client's."""


def blamed(scene: Scene, pid: int, begin: int) -> Goroutine | None:
    """Return the goroutine that the waiting connections of a process are stuck in; None if that is not known.

    What was read before `begin` (ns) does not count.
    """
    at, read = scene.threads.goroutines.get(pid, (0, ()))
    if at < begin:
        return None
    waiting = {c.peer for c in scene.unread if c.pid == pid and scene.at - c.unread_since >= LASTS}
    if any(scene.at - connection.opened_at >= LASTS for connection in scene.queued):
        waiting.add(LISTENER)
    stuck = waiting - {one.polls for one in read if one.reads}  # what a goroutine waits for is about to be read
    own = [one for one in read if one.polls != LISTENER and (_line(one) or not one.frames)]
    if not stuck:
        return None
    found = _only(own, [one for one in own if not stuck.isdisjoint(one.refers_to)] or _at_work(own, LISTENER in stuck))
    return found if found and (found.frames or found.tid) else None


def as_thread(one: Goroutine, scene: Scene, process: ThreadState) -> ThreadState | None:
    """Return the thread that runs a goroutine; for one that no thread runs, the first thread of its process."""
    at, _ = scene.threads.goroutines[process.pid]
    if one.tid:
        thread = scene.threads.known.get((process.pid, one.tid))
        return thread and replace(thread, frames=list(one.frames), framed_at=at, since=scene.at)
    peer = one.polls if one.polls not in (LISTENER, UNKNOWN) else ""
    return replace(
        process, name=f"goroutine {one.number}", call=one.waits, peer=peer, doing=Doing.CALL, remote="", lock="",
        holder=0, pipe="", gil_since=0, frames=list(one.frames), framed_at=at, since=scene.at,
    )  # fmt: skip


def _only(own: Sequence[Goroutine], found: Sequence[Goroutine]) -> Goroutine | None:
    """Return one of these goroutines if all are at one place; those that wait for a lock count only if all do.

    If all do, it is the one that is past the lock: in a function that the others wait in, and waits for none.
    """
    free = [one for one in found if one.waits not in LOCKS]
    inside = {_function(one) for one in found}
    past = [o for o in own if o.waits not in LOCKS and any((f.file, f.function) in inside for f in o.frames)]
    for those in (free, [] if free else past, [] if free else found):
        if those and len({_line(one) or one.number for one in those}) == 1:
            return those[0]
    return None


def _at_work(own: Sequence[Goroutine], nobody_accepts: bool) -> list[Goroutine]:
    """Return the goroutines that don't wait for a client; those that do are among them if nobody accepts."""
    return [one for one in own if nobody_accepts or one.polls in ("", UNKNOWN)]


def _line(one: Goroutine) -> Frame | None:
    """Return the innermost frame of the program's own code; None if there is none, or it is not known."""
    return next((frame for frame in one.frames if is_own(frame)), None)


def _function(one: Goroutine) -> tuple[str, str] | None:
    """Return the file and the name of the innermost function of the program's own code."""
    return (frame.file, frame.function) if (frame := _line(one)) else None
