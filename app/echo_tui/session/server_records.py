"""What each record of the server, and each observation of its processes, does to a session."""

from typing import TYPE_CHECKING

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
    ServerRecord,
    ThreadCount,
    Unblock,
    Wakes,
    WorkerStarted,
)

from echo_tui.diagnosis.targets import ACCEPT, DESCRIPTOR, OnGil, OnHelper, OnThread, Target
from echo_tui.model import observations as seen
from echo_tui.model.blocks import BlockSpan, Handover
from echo_tui.model.connection import Connection
from echo_tui.model.endings import Closing
from echo_tui.model.event_log import Unlisted
from echo_tui.model.server import ServerState

if TYPE_CHECKING:
    from echo_tui.session.session import Session


def started(session: "Session", o: seen.ServerStarted) -> None:
    session.starts(ServerState.started(o))
    session.log.add(o)


def listening(session: "Session", o: Listening) -> None:
    server = session.server or session.starts(ServerState("", o.pid, o.host, o.port, o.at))
    server.listens(o)
    session.log.add(o)


def idle_calls(session: "Session", o: seen.IdleCalls) -> None:
    if session.server:
        session.server.idles_in(o)


def exited(session: "Session", o: seen.ServerExited) -> None:
    if session.server:
        session.server.exits(o)
    for connection in list(session.connections.values()):
        session.close(connection, o.at, Closing.SERVER_ENDED)
    session.resources.all_gone(o.at)
    session.workers.clear()
    session.blocks.server_gone()
    session.threads.end()
    session.stalls.end(o.at)
    session.log.add(o)


def process_gone(session: "Session", o: seen.ProcessGone) -> None:
    session.sockets.changed()
    session.resources.process_gone(o.pid, o.at)
    session.threads.end(o.pid)
    for connection in [c for c in session.connections.values() if c.pid == o.pid]:
        session.close(connection, o.at, Closing.PROCESS_ENDED)
    session.workers.process_gone(o.pid)
    session.blocks.process_gone(o.pid)
    session.totals.process_gone(o.pid)


def process(session: "Session", o: seen.ProcessSample) -> None:
    session.resources.sampled(o, bool(session.server and session.server.listening_at))


def block_set(session: "Session", o: seen.BlockSet) -> None:
    was_on = session.block.on
    session.block.set(o)
    if session.server or was_on or o.on:  # choosing a block without a server is not worth a line
        session.log.add(o)


def new(session: "Session", o: New) -> None:
    session.totals.accepted()
    session.connections.any_accepted(o.at)
    connection = session.connections.by_peer.get(o.peer)
    if connection is None or connection.key is not None:
        connection = session.open(o.peer, o.at)
    session.accept(connection, o)
    if session.workers.starved:
        session.workers.has_descriptors(o.pid)
    if session.stalls.open:
        session.stalls.progressed([*_targets(o), ACCEPT, DESCRIPTOR], o.at)
    lost_at = session.totals.lost_at
    if lost_at and o.at < lost_at.get(o.pid, 0):  # a full pipe delays openings instead of losing them
        connection.lose(lost_at[o.pid])
    session.log.add(o, o.peer)


def serve(session: "Session", o: Serve) -> None:
    session.totals.reported()
    session.workers.assign(session.known(o), o.pid, o.tid, o.at)
    session.stalls.progressed(_targets(o), o.at)


def recv(session: "Session", o: Recv) -> None:
    session.totals.received(o.size)
    connection = session.connections.by_key.get((o.pid, o.conn)) or session.known(o)
    connection.received(o.size, o.at)
    session.release(connection, o.at)
    if connection.tid != o.tid:
        session.workers.assign(connection, o.pid, o.tid, o.at)
    if session.stalls.open:
        _progress(session, o.pid, o.tid, o.at)
    session.log.add(o, connection.peer)


def send(session: "Session", o: Send) -> None:
    session.totals.returned(o.size)
    connection = session.connections.by_key.get((o.pid, o.conn)) or session.known(o)
    if connection.client is None:
        connection.echoed(o.at, connection.to_echo_since)
    if connection.returned(o.size, o.at):  # its thread had read all of it, and waited for the GIL
        session.release(connection, o.at)
    if session.server and not session.server.reports:
        # A protocol is not known: a server that writes works, also while it leaves what comes next unread on purpose.
        session.workers.progressed(o.pid, o.tid, o.at)
        session.stalls.progressed(_targets(o), o.at)
    session.log.add(o, connection.peer)


def echo(session: "Session", o: Echo) -> None:
    session.totals.echoed(o.size)
    connection = session.connections.by_key.get((o.pid, o.conn)) or session.known(o)
    if connection.tid != o.tid:
        session.workers.assign(connection, o.pid, o.tid, o.at)
    connection.echoed_at_once(o.size, o.at, o.took)
    if session.stalls.open:
        session.release(connection, o.at + o.took)
        _progress(session, o.pid, o.tid, o.at)
    session.log.add_echo(o, connection.peer)


def counts(session: "Session", o: seen.Counts) -> None:
    total = 0
    for conn, echoes, size, at in o.rows:
        session.totals.counted(echoes, size)
        connection = session.connections.by_key.get((o.pid, conn)) or session.known(Serve(o.at, o.pid, o.pid, conn))
        connection.counted(echoes, size, at)
        total += echoes
        if session.stalls.open:
            session.release(connection, at)
            _progress(session, o.pid, connection.tid, at)
    if total > 0:
        session.log.add(Unlisted(o.at, total, len(o.rows)))


def bye(session: "Session", o: Bye) -> None:
    session.totals.closed(o.refused)
    connection = session.connections.by_key.get((o.pid, o.conn)) or session.known(o)
    session.log.add(o, connection.peer)
    if o.error and not connection.recv:
        session.workers.not_served(connection)
    if session.stalls.open:
        _progress(session, o.pid, o.tid, o.at)
    session.close(connection, o.at, o.error)


def _progress(session: "Session", pid: int, tid: int, at: int) -> None:
    """Note that a worker has read bytes or the end of a connection; a loop that reads also accepts."""
    worker = session.workers.get((pid, tid))
    targets: list[Target] = [OnThread(pid, tid), OnGil(pid)]
    if session.is_loop and worker and worker.announced:
        targets.append(ACCEPT)
    session.stalls.progressed(targets, at)


def block(session: "Session", o: Block) -> None:
    connection, key = session.known(o), (o.pid, o.conn)
    if key in session.blocks.handed:
        session.stalls.progressed([OnHelper(o.pid)], o.at)
        session.release(connection, o.at)
    span = BlockSpan(o.at, o.kind, o.seconds, o.pid, o.tid, connection.number, o.cooperative)
    session.unblock(key, o.at)
    if not o.cooperative and (before := session.blocks.by_thread.get((o.pid, o.tid))):
        session.unblock(session.connections[before.connection].key, o.at)
    session.blocks.begin(key, span, session.workers.keys())
    _count(session, o, connection)


def unblocked(session: "Session", o: Unblock) -> None:
    connection = session.known(o)
    session.unblock((o.pid, o.conn), o.at)
    _count(session, o, connection)


def handed(session: "Session", o: Handed) -> None:
    session.totals.reported()
    session.blocks.hand_over((o.pid, o.conn), Handover(o.at, o.pid, session.known(o).number, o.helpers))


def no_descriptors(session: "Session", o: NoDescriptors) -> None:
    session.totals.reported()
    session.workers.starve(o)


def worker_began(session: "Session", o: WorkerStarted) -> None:
    session.totals.reported()
    session.workers.announce(o)


def note(session: "Session", o: Note) -> None:
    session.printed.add_note(o)
    _count(session, o)


def thread_count(session: "Session", o: ThreadCount) -> None:
    if session.server:
        session.server.counts_threads(o)
    _count(session, o)


def wakes(session: "Session", o: Wakes) -> None:
    session.totals.add_wakes(o, session.threads.woken_by_us(o.pid))


def lost(session: "Session", o: Lost) -> None:
    session.totals.add_lost(o)
    for connection in session.connections.values():
        if connection.pid == o.pid:
            connection.lose(o.at)
    if o.events > o.new + o.bye + o.recv + o.send:  # the end of a block may be among the lost records
        for key in session.blocks.of(o.pid):
            session.unblock(key, o.at)
        session.blocks.records_lost(o.pid)
    if o.new:
        session.workers.has_descriptors(o.pid)
    session.log.add(o)


def _count(session: "Session", o: ServerRecord, connection: Connection | None = None) -> None:
    session.totals.reported()
    session.log.add(o, connection.peer if connection else "")


def _targets(o: ServerRecord) -> list[Target]:
    """Return the stalls that end when a worker makes progress: those who wait for it, or for the GIL of its process."""
    return [OnThread(o.pid, o.tid), OnGil(o.pid)]
