"""What the next sample must describe, according to the session."""

from collections.abc import Collection

from echo_tui.model.sockets import UNREPORTED, WANTED
from echo_tui.model.threads import ThreadState
from echo_tui.session.session import Session


def wanted(session: Session) -> Collection[str]:
    """Return the addresses of connections that the next sample must describe although nothing waits in them.

    These are connections without a `New` record; those whose thread waits for the GIL, is in a blocking call, or is a
    loop that has left its idle call without progress for a while; those whose bytes were read and not written back at
    the last sample; and those read from since, whose unread bytes are newer.
    """
    if not session.server or not session.server.listening_at:
        return ()
    connections, by_thread = session.connections, session.blocks.by_thread
    known = session.threads.known.items()
    silent = [key for key, t in known if t.gil_since or key in by_thread or _is_stuck(session, t)]
    served = [c for key in silent if (worker := session.workers.get(key)) for c in worker.serving.values()]
    new = [c for c in connections.values() if not c.accepted_at and not c.left_at]
    new.sort(key=lambda connection: connection.number not in session.sockets.asked)
    wanted = (*new[:UNREPORTED], *session.sockets.unechoed(connections), *served, *session.sockets.renewed(connections))
    return list(dict.fromkeys(connection.peer for connection in wanted))[:WANTED]


def surely_known(session: Session) -> Collection[str] | None:
    """Return the addresses of all connected clients; None if there may be others that the server can't report."""
    return None if session.may_be_silent else session.connections.peers


def others_than(session: Session) -> Collection[str] | None:
    """Return the known addresses if the sample must find all other accepted connections; None if it need not.

    That walks the kernel's whole table, so it is done only while a thread has reported nothing for a while.
    """
    stuck = any(thread.gil_since or _is_stuck(session, thread) for thread in session.threads.known.values())
    return session.connections.peers if stuck else None


def suspects(session: Session, now: int) -> set[int]:
    """Return the processes whose stacks are needed: they may stall, or have long been in a blocking call."""
    lasting = now - session.stalls.threshold // 2
    known = session.threads.known
    blocked = {key: span for key, span in session.blocks.by_thread.items() if span.begin <= lasting and key in known}
    return session.stalls.suspects | {key[0] for key, span in blocked.items() if known[key].framed_at < span.begin}


def _is_stuck(session: Session, thread: ThreadState) -> bool:
    """Return whether a loop has left its idle call and has reported nothing for half the stall threshold."""
    worker, seen_at = session.workers.get((thread.pid, thread.tid)), session.threads.seen_at
    away = thread.idle_call and thread.idle_at != seen_at
    return bool(away and worker and seen_at - worker.last_progress >= session.stalls.threshold // 2)
