"""What each observation does to a session."""

import pytest
from echo_servers.records import (
    Block,
    Bye,
    Listening,
    Lost,
    New,
    Note,
    Recv,
    Send,
    Serve,
    ThreadCount,
    Unblock,
    WorkerStarted,
)
from echo_tui.model.endings import Closing
from echo_tui.model.event_log import LINES
from echo_tui.model.observations import (
    BlockSet,
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientOpening,
    ClientSent,
    ClientsLost,
    ClientUnconnected,
    CoresSample,
    Garbled,
    Lag,
    Observation,
    Output,
    ProcessGone,
    ProcessSample,
    ServerExited,
    ServerStarted,
)
from echo_tui.model.remembered import State, Wait
from echo_tui.model.server import OUTPUT_KEPT
from echo_tui.session.session import Session

from tests.model.opening import NEW, OPENED, PEER, STARTED, S
from tests.model.plain import fold


def only(session: Session) -> State:
    (connection,) = session.connections.values()
    return connection.state


def test_server_starts_listens_and_ends() -> None:
    session = fold([STARTED])
    server = session.server
    assert server
    assert (server.pattern, server.address, server.running) == ("multithread", "127.0.0.1:37564", True)
    session.apply(Listening(2 * S, 7, 7, "::1", 99, 128))
    assert (server.address, server.backlog, server.listening_at) == ("[::1]:99", 128, 2 * S)
    session.apply(ThreadCount(3 * S, 7, 7, 1999))
    session.apply(Note(3 * S, 7, 7, "refused after 1999 threads"))
    session.apply(Output(4 * S, "stderr", "Traceback"))
    session.apply(ServerExited(5 * S, 7, 1, False))
    assert (server.threads, server.code, server.wanted, server.running) == (1999, 1, False, False)
    assert [n.text for n in session.printed.notes] == ["refused after 1999 threads"]
    assert [o.text for o in session.printed.lines] == ["Traceback"]
    assert [type(entry) for entry, _ in session.log.slice(0, 9)] == [
        ServerStarted, Listening, ThreadCount, Note, Output, ServerExited,
    ]  # fmt: skip


def test_our_client_from_connect_to_close() -> None:
    session = fold([STARTED, OPENED[0]])
    assert session.clients.opening == 1
    session.apply(OPENED[1])
    assert (session.clients.opening, only(session)) == (0, State.QUEUED)
    (connection,) = session.connections.values()
    assert connection.pending_since == 2 * S + 5
    session.apply(NEW)
    assert (connection.state, connection.client, connection.pending_since) == (State.QUIET, 1, 0)
    assert session.is_external(connection, 0) is False
    session.apply(ClientSent(4 * S, 1, 9, "hogehoge\n"))
    assert (connection.state, connection.pending_since) == (State.WAITING, 4 * S)
    session.apply(Recv(4 * S + 9, 7, 7, 1, 9, "hogehoge\n"))
    session.apply(Send(6 * S, 7, 7, 1, 9, "hogehoge\n"))
    assert connection.state is State.WAITING, "our client has not seen it yet"
    session.apply(ClientEcho(6 * S + 9, 1, 9, "hogehoge\n", 2 * S + 9, 0))
    assert (connection.state, connection.rtt, connection.rtt_max) == (State.QUIET, 2 * S + 9, 2 * S + 9)
    assert list(connection.waits) == [Wait(2 * S + 5, 3 * S, State.QUEUED), Wait(4 * S, 6 * S + 9, State.WAITING)]
    session.apply(ClientEcho(7 * S, 1, 1, "x", 5, 6 * S, intact=False))
    assert (connection.rtt, connection.rtt_max, connection.spoiled) == (5, 2 * S + 9, 1)
    assert connection.pending_since == 6 * S, "a later message is still on its way"
    session.apply(ClientClosed(8 * S, 1, "closed"))
    assert (connection.state, connection.pending_since) == (State.LEFT, 0)
    session.apply(Bye(9 * S, 7, 7, 1))
    assert not session.connections
    assert list(session.connections.closed) == [connection]
    assert not session.connections
    client = session.clients[1]
    assert (client.sent, client.echoed, client.ended, client.connection) == (1, 2, "closed", connection)


def test_failed_connect_gives_its_reason() -> None:
    session = fold([OPENED[0], ClientClosed(3 * S, 1, "refused")])
    assert (session.clients.opening, session.clients[1].ended, len(session.connections)) == (0, "refused", 0)
    session.apply(ClientOpening(4 * S, 1))
    assert (session.clients.opening, session.clients[1].ended) == (1, "")
    session.apply(ClientOpening(5 * S, 1))
    assert session.clients.opening == 1


def test_owner_is_unknown_while_one_of_our_clients_connects() -> None:
    session = fold([STARTED, OPENED[0], NEW])
    (connection,) = session.connections.values()
    assert session.is_external(connection, connection.opened_at) is None
    session.apply(ClientConnected(3 * S, 1, "127.0.0.1:6000"))
    assert session.is_external(connection, connection.opened_at) is True


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_queue_wait_is_recorded_in_either_order_of_records(order: tuple[int, int]) -> None:
    observed: list[Observation] = [OPENED[1], NEW]
    session = fold([STARTED, OPENED[0], *(observed[i] for i in order)])
    (connection,) = session.connections.values()
    assert list(connection.waits) == [Wait(2 * S + 5, 3 * S, State.QUEUED)]
    assert (connection.client, connection.opened_at) == (1, 2 * S + 5)


def test_connection_closed_before_its_client_reported_it() -> None:
    session = fold([STARTED, NEW, Bye(4 * S, 7, 7, 1), *OPENED, ClientClosed(4 * S, 1, "server-closed")])
    assert not session.connections
    assert [c.client for c in session.connections.closed] == [1]
    later: list[Observation] = [ClientOpening(5 * S, 1), ClientConnected(5 * S + 1, 1, PEER)]
    session.apply_all(later)
    assert only(session) is State.QUEUED, "the same port again is another connection"


def test_lost_echo_record_ends_the_wait() -> None:
    session = fold([STARTED, NEW, Recv(4 * S, 7, 7, 1, 9, "x")])
    assert only(session) is State.WAITING
    session.apply(Lost(5 * S, 8, 8, 1, send=1, send_bytes=9))
    assert only(session) is State.WAITING, "another process lost it"
    session.apply(Lost(5 * S, 7, 9, 1, send=1, send_bytes=9))
    assert only(session) is State.QUIET
    session.apply_all([Recv(6 * S, 7, 7, 1, 5, "x"), Send(7 * S, 7, 7, 1, 5, "x")])
    assert only(session) is State.QUIET, "echoes lost before do not end this wait"
    assert session.totals.send_bytes == session.totals.recv_bytes + 9 == 23


def test_lost_client_records_end_the_wait() -> None:
    session = fold([STARTED, *OPENED, NEW, ClientSent(4 * S, 1, 1, "x"), ClientsLost(5 * S, 3)])
    assert only(session) is State.QUIET


def test_block_delays_connections_of_the_same_thread() -> None:
    other, elsewhere = New(3 * S, 7, 7, 2, "127.0.0.1:5002"), New(3 * S, 7, 7, 3, "127.0.0.1:5003")
    session = fold([STARTED, NEW, other, elsewhere, Serve(3 * S, 7, 8, 3)])
    first, second, third = session.connections.values()
    session.apply(Block(4 * S, 7, 7, 1, "sleep", 2.0))
    assert [session.thread_blocked_since(c) for c in (first, second, third)] == [0, 4 * S, 0]
    late = New(5 * S, 7, 7, 4, "127.0.0.1:5004")
    session.apply(late)
    assert session.thread_blocked_since(session.connections[4]) == 5 * S
    session.apply(Unblock(6 * S, 7, 7, 1))
    assert [session.thread_blocked_since(c) for c in session.connections.values()] == [0, 0, 0, 0]
    assert list(second.waits) == [Wait(4 * S, 6 * S, State.THREAD_BLOCKED)]
    assert list(session.connections[4].waits) == [Wait(5 * S, 6 * S, State.THREAD_BLOCKED)]
    assert not first.waits
    assert not third.waits
    assert [(b.begin, b.end) for b in session.blocks.spans] == [(4 * S, 6 * S)]


def test_cooperative_block_delays_no_connection() -> None:
    other = New(3 * S, 7, 7, 2, "127.0.0.1:5002")
    session = fold([STARTED, NEW, other, Block(4 * S, 7, 7, 1, "sleep", 2.0, True)])
    assert not session.blocks.by_thread
    assert [session.thread_blocked_since(c) for c in session.connections.values()] == [0, 0]
    session.apply(Block(5 * S, 7, 7, 2, "sleep", 2.0, True))
    assert len(session.blocks.running) == 2
    session.apply(Bye(6 * S, 7, 7, 1))
    assert [b.end for b in session.blocks.spans] == [6 * S, 0]


def test_second_block_of_a_thread_ends_the_first() -> None:
    other = New(3 * S, 7, 7, 2, "127.0.0.1:5002")
    session = fold([STARTED, NEW, other, Block(4 * S, 7, 7, 1, "sleep", 1.0), Block(6 * S, 7, 7, 2, "sleep", 1.0)])
    assert [b.end for b in session.blocks.spans] == [6 * S, 0]
    assert [session.thread_blocked_since(c) for c in session.connections.values()] == [6 * S, 0]


def test_worker_name_may_arrive_after_its_first_client() -> None:
    session = fold([STARTED, NEW, WorkerStarted(4 * S, 7, 7, "worker 1")])
    (worker,) = session.workers.values()
    assert (worker.name, worker.announced, list(worker.serving)) == ("worker 1", True, [1])
    session.apply(Bye(5 * S, 7, 7, 1))
    assert not worker.serving
    assert list(session.workers.values()) == [worker]


def test_thread_per_client_is_dropped_with_its_client() -> None:
    session = fold([STARTED, NEW, Serve(3 * S, 7, 8, 1)])
    assert list(session.workers) == [(7, 8)]
    session.apply(Bye(5 * S, 7, 8, 1, "reset by client"))
    assert not session.workers
    assert session.connections.closed[0].error == "reset by client"


def test_process_exit_closes_its_connections() -> None:
    session = fold(
        [STARTED, WorkerStarted(S, 8, 8, "worker 1"), New(3 * S, 8, 8, 1, PEER), Recv(4 * S, 8, 8, 1, 1, "x")]
    )
    session.apply(ProcessSample(4 * S, 8, 7, 1.0, 10, 1, 5, 5))
    session.apply(ProcessGone(6 * S, 8))
    assert not session.workers
    assert not session.connections
    (gone,) = session.connections.closed
    assert (gone.error, list(gone.waits)) == (Closing.PROCESS_ENDED, [Wait(4 * S, 6 * S, State.WAITING)])
    assert session.resources.processes[8].gone_at == 6 * S


def test_context_switch_rates_are_computed_between_samples() -> None:
    session = fold([ProcessSample(1 * S, 7, 1, None, 10, 2, 100, None)])
    process = session.resources.processes[7]
    assert (process.voluntary, process.involuntary, len(process.cpu)) == (None, None, 0)
    session.apply(ProcessSample(3 * S, 7, 1, 50.0, 10, 2, 150, 7))
    assert (process.voluntary, process.involuntary) == (25.0, None)
    session.apply(ProcessSample(4 * S, 7, 1, 50.0, 10, 1, 90, 9))
    assert (process.voluntary, process.involuntary) == (None, 2.0), "the counts of an ended thread are missing"
    assert list(process.cpu) == [(3 * S, 50.0), (4 * S, 50.0)]


def test_cores_lag_garbled_records_and_block_switch() -> None:
    session = fold([CoresSample(S, [1.0, 2.0]), CoresSample(2 * S, [3.0, 4.0]), Garbled(S, 2), Garbled(S, 1)])
    assert [list(core) for core in session.resources.cores] == [[(S, 1.0), (2 * S, 3.0)], [(S, 2.0), (2 * S, 4.0)]]
    assert session.totals.garbled == 3
    session.apply_all([Lag(1 * S, 80), Lag(15 * S, 20), Lag(16 * S, 5)])
    assert (session.resources.worst_lag(17 * S), session.resources.worst_lag(60 * S)) == (20, None)
    session.apply(BlockSet(S, True, "sleep", 20.0))
    assert (session.block.on, session.block.seconds) == (True, 20.0)


def test_log_keeps_the_latest_lines_and_their_numbers() -> None:
    session = fold(Output(at, "stdout", str(at)) for at in range(1, LINES + 501))
    log = session.log
    assert (log.first, log.total, len(session.printed.lines)) == (500, LINES + 500, OUTPUT_KEPT)
    assert [o.at for o, _ in log.slice(499, 502)] == [501, 502]
    assert list(log.slice(log.total, log.total + 5)) == []


def test_lost_records_may_include_the_end_of_a_block() -> None:
    session = fold([STARTED, NEW, New(3 * S, 7, 7, 2, "127.0.0.1:5002"), Block(4 * S, 7, 7, 1, "sleep", 2.0)])
    session.apply(Lost(5 * S, 7, 7, 1))
    assert not session.blocks.running
    assert not any(session.thread_blocked_since(connection) for connection in session.connections.values())


def test_block_of_the_only_worker_delays_every_connection() -> None:
    alone = fold([STARTED, WorkerStarted(1, 7, 7, "event loop"), NEW, Block(4 * S, 7, 7, 1, "sleep", 2.0)])
    assert [span.stops_all for span in alone.blocks.spans] == [True]
    beside = fold(
        [STARTED, WorkerStarted(1, 7, 7, "main"), NEW, Serve(3 * S, 7, 8, 1), Block(4 * S, 7, 8, 1, "sleep", 2.0)]
    )
    assert [span.stops_all for span in beside.blocks.spans] == [False]


def test_accepting_thread_has_served_no_connection() -> None:
    session = fold([STARTED, WorkerStarted(1, 7, 7, "main"), NEW, Serve(3 * S, 7, 8, 1)])
    assert session.workers[7, 7].served == 0
    assert session.workers[7, 8].served == 1


def test_removed_worker_counts_as_a_change() -> None:
    session = fold([STARTED, WorkerStarted(1, 7, 8, "worker 1")])
    before = session.changes
    session.apply(ProcessGone(2 * S, 7))
    assert session.changes != before


def test_our_clients_are_known_before_they_are_connected() -> None:
    session = fold([STARTED, ClientUnconnected(1, 3, "no-server")])
    assert [(client.number, client.ended) for client in session.clients.values()] == [(3, "no-server")]
    session.apply_all([ClientOpening(2, 3), ClientConnected(3, 3, "127.0.0.1:6000")])
    assert (session.clients[3].ended, session.clients.opening) == ("", 0)


def test_choosing_a_block_while_off_is_not_logged() -> None:
    session = Session()
    session.apply(BlockSet(5, False, "cpu", 2.0))
    assert (session.block.kind, session.log.total) == ("cpu", 0)
    session.apply(BlockSet(6, True, "cpu", 2.0))
    session.apply(BlockSet(7, False, "cpu", 2.0))
    assert session.log.total == 2


def test_rejected_connection_is_not_counted_as_served() -> None:
    session = fold(
        [
            WorkerStarted(1, 7, 7, "loop"),
            New(2, 7, 7, 1, "127.0.0.1:1"),
            Recv(3, 7, 7, 1, 5, "x"),
            New(4, 7, 7, 2, "127.0.0.1:2"),
            Bye(5, 7, 7, 2, "its descriptor is 1024"),
            Bye(6, 7, 7, 1),
        ]
    )
    assert session.workers[7, 7].served == 1
