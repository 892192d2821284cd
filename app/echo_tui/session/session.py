"""The state of one run, folded from its observations. `Session.apply` is the only way in.

A session is composed of parts. Each part owns its fields and changes them itself. Rules for an observation that
concerns several parts are in `server_records`, `client_records` and `samples`; what these rules share is here.
"""

from collections.abc import Callable, Iterable
from typing import Any

from echo_servers.records import (
    Block,
    Bye,
    Echo,
    Handed,
    Listening,
    Lost,
    New,
    NoDescriptors,
    Note,
    Recv,
    Send,
    Serve,
    ThreadCount,
    Unblock,
    Wakes,
    WorkerStarted,
)

from echo_tui.diagnosis.stalls import Stalls
from echo_tui.model import observations as seen
from echo_tui.model.activity import NOTICEABLE, SECOND
from echo_tui.model.blocks import Blocks
from echo_tui.model.calls import Calls
from echo_tui.model.clients import Clients
from echo_tui.model.connection import Connection
from echo_tui.model.connections import UNKNOWN_PEER, Connections
from echo_tui.model.endings import Closing
from echo_tui.model.event_log import Log
from echo_tui.model.observations import Observation
from echo_tui.model.remembered import State
from echo_tui.model.replies import Replies
from echo_tui.model.resources import Resources
from echo_tui.model.server import BlockSwitch, Printed, ServerState
from echo_tui.model.sockets import Sockets
from echo_tui.model.threads import Threads, ThreadState
from echo_tui.model.totals import Totals
from echo_tui.model.workers import Workers
from echo_tui.session import client_records, samples, server_records

Handler = Callable[["Session", Any], None]


class Session:
    """All that is known about one run. Everything in it is bounded, however long the run."""

    def __init__(self) -> None:
        self.server: ServerState | None = None
        self.totals = Totals()
        self.connections = Connections()
        self.workers = Workers()
        self.blocks = Blocks()
        self.clients = Clients()
        self.sockets = Sockets()
        self.replies = Replies()
        """Who waits for a reply of a server that reports nothing."""
        self.threads = Threads()
        self.resources = Resources()
        self.printed = Printed()
        self.block = BlockSwitch()
        self.calls = Calls()
        self.missing: dict[str, str] = {}
        """Kinds of evidence that can't be had here, and why."""
        self.stalls = Stalls()
        self.log = Log()

    def apply(self, observation: Observation) -> None:
        """Fold one observation."""
        APPLY[type(observation)](self, observation)

    def apply_all(self, observations: Iterable[Observation]) -> None:
        """Fold several, in their order."""
        handlers = APPLY
        for observation in observations:
            handlers[type(observation)](self, observation)

    def snapshot(self) -> "Session":
        """Return the session as it is now, which no longer changes. It shares nothing mutable with this one."""
        twin = Session()
        twin.server = self.server and self.server.snapshot()
        twin.totals, twin.block, twin.calls = self.totals.snapshot(), self.block.snapshot(), self.calls.snapshot()
        twin.connections, copies = self.connections.snapshot()
        twin.workers = self.workers.snapshot(twin.connections)
        twin.blocks, twin.clients = self.blocks.snapshot(), self.clients.snapshot(copies)
        twin.sockets, twin.threads = self.sockets.snapshot(), self.threads.snapshot()
        twin.replies = self.replies.snapshot()
        twin.resources, twin.printed = self.resources.snapshot(), self.printed.snapshot()
        twin.missing, twin.stalls, twin.log = self.missing.copy(), self.stalls.snapshot(), self.log.snapshot()
        return twin

    @property
    def changes(self) -> tuple[int, ...]:
        """A value that changes whenever a connection, client or worker may have changed; the screen compares it."""
        totals = self.totals
        exited = self.server.exited_at if self.server else 0
        lost = totals.lost + totals.clients_lost
        seen = self.sockets.changes
        return (self.connections.total, totals.events, totals.client_records, lost, exited, seen, len(self.connections))

    @property
    def running(self) -> bool:
        """Whether the server has been started, and has not ended."""
        return bool(self.server and self.server.running)

    @property
    def is_loop(self) -> bool:
        """Whether the server's threads wait for many connections at a time."""
        return bool(self.server and self.server.is_loop)

    def thread_blocked_since(self, connection: Connection) -> int:
        """Return since when (ns) the thread of a connection is blocked by another one's call; 0 if it is not."""
        span = self.blocks.affecting(connection.pid, connection.tid)
        if span is None or span.connection == connection.number or connection.closed_at or connection.left_at:
            return 0
        return max(span.begin, connection.accepted_at)

    def is_external(self, connection: Connection, now: int) -> bool | None:
        """Return whether a connection is not one of our clients'; None while it could still turn out to be one."""
        if connection.client is not None:
            return False
        return None if self.clients.opening and now - connection.opened_at < SECOND else True

    def at_it_since(self, state: ThreadState) -> int:
        """Return since when (ns) a thread has done what it does: not before its last progress."""
        worker = self.workers.get((state.pid, state.tid))
        return max(state.since, worker.last_progress if worker else 0)

    @property
    def may_be_silent(self) -> bool:
        """Whether a thread may have accepted a connection without being able to report it.

        It waits for the GIL, or its loop is busy: a loop accepts in one turn and reports in the next one.
        """
        seen_at = self.threads.seen_at
        return any(t.gil_since or (t.idle_call and t.idle_at != seen_at) for t in self.threads.known.values())

    @property
    def unreported(self) -> bool:
        """Whether a connection without a `New` record may be accepted; False if that record may have been lost."""
        return self.may_be_silent and not self.totals.lost

    def starts(self, server: ServerState) -> ServerState:
        """Start a session's server."""
        self.server = server
        return server

    def lacks(self, kind: str, why: str) -> None:
        """Note that a kind of evidence is not available here, and why."""
        self.missing[kind] = why

    # Rules for connections that touch several parts.

    def release(self, connection: Connection, at: int) -> None:
        """Note that a connection no longer waits: it was accepted, read, answered, or is closed."""
        self.stalls.release(connection.number, at)

    def leave(self, connection: Connection, at: int, how: str) -> None:
        """Note that the client's end of a connection is closed."""
        connection.leave(at, how)
        self.release(connection, at)

    def open(self, peer: str, at: int) -> Connection:
        """Add a connection that was not known before."""
        if surplus := self.connections.surplus:
            self.close(surplus, at, Closing.SURPLUS)
        return self.connections.open(peer, at)

    def known(self, o: Any) -> Connection:
        """Return the connection that a record names; a new one if its `New` record was lost."""
        connection = self.connections.by_key.get((o.pid, o.conn))
        if connection is None:
            connection = self.open(UNKNOWN_PEER, o.at)
            self.accept(connection, o)
        return connection

    def accept(self, connection: Connection, o: Any) -> None:
        """Note that the server has accepted a connection, and assign it to the thread that reports it."""
        key = (o.pid, o.conn)
        if stale := self.connections.by_key.get(key):
            self.close(stale, o.at, "unknown")
        self.connections.accept(connection, o.at, key)
        if self.stalls.open:
            self.release(connection, o.at)
        self.workers.assign(connection, o.pid, o.tid, o.at)

    def close(self, connection: Connection, at: int, error: str) -> None:
        """Note that the server's end of a connection is closed."""
        self.connections.close(connection, at, error)
        if self.stalls.open:
            self.release(connection, at)
        if connection.key and self.blocks.any:
            self.blocks.withdraw(connection.key)
            self.unblock(connection.key, at)
        self.workers.release(connection)
        if self.clients.flood.peers and self.clients.left_flood(connection.peer):
            connection.was_flood()

    def unblock(self, key: tuple[int, int] | None, at: int) -> None:
        """Note that a blocking call has returned; the connections that it blocked remember it."""
        span = self.blocks.end(key, at) if key else None
        if span and (own := self.connections.get(span.connection)):
            own.unblocked(at)
        if span is None or span.cooperative or at - span.begin < NOTICEABLE:
            return
        worker = self.workers.get((span.pid, span.tid))
        for served in worker.serving.values() if worker else ():
            if served.number != span.connection:
                served.remember(max(span.begin, served.accepted_at), at, State.THREAD_BLOCKED)


def _logged(handler: Handler) -> Handler:
    """Return a handler that also writes its observation to the log."""

    def handle(session: Session, observation: Any) -> None:
        handler(session, observation)
        session.log.add(observation)

    return handle


APPLY: dict[type, Handler] = {
    seen.ServerStarted: server_records.started,
    Listening: server_records.listening,
    seen.ServerExited: server_records.exited,
    seen.Output: _logged(lambda s, o: s.printed.add(o)),
    seen.OutputHeld: _logged(lambda s, o: s.printed.hold(o)),
    seen.Garbled: lambda s, o: s.totals.add_garbled(o),
    Note: server_records.note,
    ThreadCount: server_records.thread_count,
    Wakes: server_records.wakes,
    Lost: server_records.lost,
    New: server_records.new,
    Serve: server_records.serve,
    Recv: server_records.recv,
    Send: server_records.send,
    Echo: server_records.echo,
    seen.Counts: server_records.counts,
    Bye: server_records.bye,
    Block: server_records.block,
    Unblock: server_records.unblocked,
    Handed: server_records.handed,
    NoDescriptors: server_records.no_descriptors,
    WorkerStarted: server_records.worker_began,
    seen.ClientsLost: client_records.clients_lost,
    seen.ClientUnconnected: client_records.client_unconnected,
    seen.ClientOpening: client_records.client_opening,
    seen.ClientConnected: client_records.client_connected,
    seen.ClientManners: client_records.client_manners,
    seen.ClientLoad: client_records.client_load,
    seen.Flooding: client_records.flooding,
    seen.ClientSent: client_records.client_sent,
    seen.ClientEcho: client_records.client_echo,
    seen.ClientClosed: client_records.client_closed,
    seen.ProcessSample: server_records.process,
    seen.ProcessGone: server_records.process_gone,
    seen.SocketSample: samples.sockets,
    seen.ThreadSample: samples.threads_seen,
    seen.StackSample: lambda s, o: s.threads.apply_stacks(o),
    seen.SystemCalls: lambda s, o: s.calls.add(o),
    seen.Unavailable: samples.unavailable,
    seen.CoresSample: lambda s, o: s.resources.add_cores(o),
    seen.Throttled: lambda s, o: s.resources.add_throttled(o),
    seen.BlockSet: server_records.block_set,
    seen.IdleCalls: server_records.idle_calls,
    seen.Lag: lambda s, o: s.resources.add_lag(o),
    seen.StallAfter: lambda s, o: s.stalls.set_threshold(o.threshold),
    seen.SessionBegan: lambda s, o: None,
    seen.SourceText: lambda s, o: None,
}
"""The handler of each kind of observation: a method of a part, or a rule for several parts.

`SessionBegan` and `SourceText` change nothing here: only readers of recordings use them.
"""
