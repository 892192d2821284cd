"""What each sample of the kernel's evidence does to a session."""

from collections import Counter
from typing import TYPE_CHECKING

from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.targets import OnGil
from echo_tui.model import observations as seen
from echo_tui.model.endings import Closing

if TYPE_CHECKING:
    from echo_tui.session.session import Session


UNKNOWN_IDLE_CALLS = ("accept", "recv", "poll")
"""The idle calls of a program that has not declared them."""


def sockets(session: "Session", o: seen.SocketSample) -> None:
    server, sockets, connections = session.server, session.sockets, session.connections
    if not (server and server.running):
        return
    if server.sampled(o):
        sockets.changed()
    for connection, since in sockets.reused(o, connections):
        if not connection.left_at:
            session.leave(connection, o.at, Closing.PORT_REUSED)
        session.open(connection.peer, since)
        sockets.changed()
    for peer, since in sockets.newcomers(o, connections, session.unreported):
        session.open(peer, since)
        sockets.changed()
    for connection in sockets.gone(o, connections):
        session.close(connection, o.at, Closing.LEFT_QUEUE)
        sockets.changed()
    for connection, at in sockets.note_bytes(o, connections):
        session.release(connection, at)
    if not server.reports:
        session.replies.note(o, connections)
    if o.judged:
        session.stalls.judge(_scene(session, o))


def _scene(session: "Session", o: seen.SocketSample) -> Scene:
    unreported = session.unreported
    unread = session.sockets.unread(session.connections)
    queued = (
        session.connections.by_peer.get(socket.peer)
        for socket in o.sockets
        if socket.unread or not socket.accepted or unreported  # it was accepted, and that is not reported yet
    )
    running = session.blocks.running.values()
    return Scene(
        at=o.at,
        # Bytes that a loop leaves unread on purpose are known by its idle call.
        unread=[] if session.threads.lost and session.is_loop else list(unread),
        queued=[c for c in queued if c and not (c.accepted_at or c.left_at)],
        unanswered=o.unanswered,
        workers=session.workers,
        threads=session.threads,
        connections=session.connections,
        blocking=session.blocks.by_thread.values(),
        elsewhere=frozenset(span.connection for span in running if span.cooperative),
        idle_calls=tuple(session.server.idle_calls)
        if session.server and session.server.idle_calls
        else UNKNOWN_IDLE_CALLS,
        accepted_at=session.connections.accepted_at,
        ended_progress=session.workers.ended_progress,
        handed=session.blocks.handed.values(),
        helped=Counter(span.pid for span in running if span.by_helper),
        helped_at=session.blocks.helped_at,
        starved=bool(session.workers.starved),
        unblocked_at=session.blocks.ended_at,
        throttled=tuple(session.resources.throttled),
        replies=session.replies.since,
        replied_at=session.replies.replied_at,
    )


def threads_seen(session: "Session", o: seen.ThreadSample) -> None:
    if session.running:
        session.threads.apply(o)


def unavailable(session: "Session", o: seen.Unavailable) -> None:
    session.lacks(o.what, o.why)
    session.sockets.changed()
    if o.what == "threads":  # the last samples no longer hold
        over = [target for target in session.stalls.going if session.is_loop or isinstance(target, OnGil)]
        session.stalls.end(o.at, over)
        session.threads.unavailable()
    elif o.what == "sockets":
        session.stalls.end(o.at)
        if session.server:
            session.server.unsampled()
        session.sockets.unavailable(o.at, session.connections)
        external = [c for c in session.connections.values() if not c.accepted_at and c.client is None]
        for connection in external:
            if connection.peer not in session.clients.flood.peers:
                session.close(connection, o.at, Closing.OUT_OF_SIGHT)
