"""Evidence that is stale, late or missing makes no stall, no victim and no number on screen."""

import pytest
from echo_servers.records import Block, Bye, Lost, New, Recv, Send, Unblock, WorkerStarted
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.evidence import Frame, Socket
from echo_tui.model.observations import (
    ClientConnected,
    ClientOpening,
    ClientSent,
    ClientUnconnected,
    ProcessGone,
    ProcessSample,
    ServerExited,
    SocketSample,
    Unavailable,
)
from echo_tui.model.remembered import State
from echo_tui.model.totals import PROCESSES_KEPT
from echo_tui.model.workers import WORKERS_KEPT
from echo_tui.run import sampling

from tests.model.scene import INTERVAL, LISTENING, MS, PID, Scene, loop


def sample(scene: Scene, *sockets: Socket) -> None:
    """Apply a sample of these sockets only, 50 ms after the last one."""
    scene.now += INTERVAL * MS
    queue = sum(not socket.accepted for socket in sockets)
    scene.say(SocketSample(scene.now, queue, 128, 0, [], list(sockets)))


def test_unreported_connections_are_kept_until_they_are_gone() -> None:
    """A loop accepts a flood in one turn and then blocks: one sample can query only some of the connections."""
    scene, _ = loop()
    scene.say(LISTENING)
    peers = [f"127.0.0.1:{6000 + number}" for number in range(100)]
    scene.does(PID, "clock_nanosleep")
    scene.passes(50)
    sample(scene, *(Socket(peer, 0, 0, False) for peer in peers))
    for _ in range(20):  # now they are accepted and silent: a sample has only those that it queries
        asked = list(sampling.wanted(scene.session))[:32]
        sample(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in asked if peer in peers))
    assert [c.state for c in scene.session.connections.values()].count(State.QUEUED) == 100
    assert not scene.session.connections.closed
    gone = set(peers[40:])
    for _ in range(20):
        asked = list(sampling.wanted(scene.session))[:32]
        sample(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in asked if peer not in gone))
    assert {c.peer for c in scene.session.connections.closed} == gone, "those have left"


def test_silent_connections_are_queried_in_turn() -> None:
    """The closed connections come after more open ones than one sample can query."""
    scene, _ = loop()
    scene.say(LISTENING)
    peers = [f"127.0.0.1:{6000 + number}" for number in range(120)]
    gone = set(peers[70:])
    scene.does(PID, "clock_nanosleep")
    scene.passes(50)
    sample(scene, *(Socket(peer, 0, 0, False) for peer in peers))
    for _ in range(60):
        left = [peer for peer in sampling.wanted(scene.session) if peer not in gone]
        sample(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in left))
    assert {c.peer for c in scene.session.connections.closed} == gone


def test_one_sample_on_a_core_does_not_change_the_cause() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1)
    scene.does(PID, "recvfrom", "127.0.0.1:5001")
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(2000)
    scene.does(PID, "")
    scene.passes(50, running=PID)
    assert scene.only().cause is Cause.ONE_CLIENT


@pytest.mark.parametrize(("call", "cause"), [("", Cause.COMPUTING), ("clock_nanosleep", Cause.BLOCKED)])
def test_cause_is_not_derived_from_two_threads(call: str, cause: Cause) -> None:
    """Two loops are not idle; when the one with more CPU time becomes idle, the other one is to blame."""
    scene = Scene("poll", workers=(11, 12))
    scene.passes(50)
    for tid, what in ((11, call), (12, "")):
        scene.accepts(tid, tid=tid, by=tid)
        scene.does(tid, what)
    scene.threads[11].ran = 60_000 * MS
    scene.queued = ["127.0.0.1:6000"]

    def both_go_on(ms: int) -> None:
        for _ in range(ms // INTERVAL):
            scene.threads[12].ran += INTERVAL * MS
            scene.passes(INTERVAL, running=0 if call else 11)

    scene.say(Block(scene.now, PID, 11, 11, "sleep", 0.5))
    both_go_on(500)
    scene.stacks(11, Frame("/x/first.py", 1, "first"))
    both_go_on(50)
    stall = scene.only()
    assert (stall.cause, stall.culprit and stall.culprit.tid, stall.injected) == (cause, 11, True)
    scene.say(Unblock(scene.now, PID, 11, 11))
    scene.does(11, "epoll_wait")
    scene.passes(100, running=12)
    assert (stall.cause, stall.culprit and stall.culprit.tid, stall.injected) == (Cause.COMPUTING, 12, False)
    assert scene.session.stalls.suspects == {PID}, "its line is not known yet"
    assert not stall.located_at
    scene.stacks(12, Frame("/x/second.py", 2, "second"))
    scene.passes(50, running=12)
    assert stall.located_at == scene.now


def test_older_sample_does_not_reopen_a_closed_connection() -> None:
    scene = Scene("accept", "recv")
    peer = "127.0.0.1:6000"
    sample = SocketSample(scene.now, 1, 128, 0, [], [Socket(peer, 0, 0, False)])
    scene.say(New(scene.now + MS, PID, PID, 1, peer), Bye(scene.now + 2 * MS, PID, PID, 1))
    scene.say(sample)
    assert not scene.session.connections
    assert [c.error for c in scene.session.connections.closed] == [""]


def test_queued_connection_with_a_reused_port_is_opened() -> None:
    scene = Scene("accept", "recv")
    peer = "127.0.0.1:6000"
    scene.say(New(scene.now, PID, PID, 1, peer), Bye(scene.now + MS, PID, PID, 1))
    scene.queued = [peer]
    scene.passes(100)
    assert [c.state for c in scene.session.connections.values()] == [State.QUEUED]


def test_connection_accepted_after_a_sample_is_the_queued_one() -> None:
    scene = Scene("accept", "recv")
    peer = "127.0.0.1:6000"
    sample = SocketSample(scene.now, 1, 128, 0, [], [Socket(peer, 0, 0, False)])
    scene.say(New(scene.now + MS, PID, PID, 1, peer))
    scene.say(sample)
    assert [c.state for c in scene.session.connections.values()] == [State.QUIET]


def test_new_client_with_a_reused_port_is_another_connection() -> None:
    """A client resets and another one gets its port, while the stalled server has reported neither."""
    scene = Scene("accept", "recv", workers=(11,))
    peer = scene.accepts(1, tid=11, by=11)
    scene.does(11, "clock_nanosleep")
    scene.passes(100)
    sample(scene, Socket(peer, 5, 0, False))
    scene.queued = [peer]
    scene.passes(400)
    old, new = scene.session.connections.values()
    assert (old.state, new.state) == (State.LEFT, State.QUEUED)
    assert (old.unread, new.opened_at > old.accepted_at) == (0, True)
    assert [list(stall.victims) for stall in scene.stalls] == [[new.number]]
    scene.say(Bye(scene.now, PID, 11, 1), New(scene.now, PID, 11, 2, peer))
    assert (old.state, new.state) == (State.CLOSED, State.QUIET)


def test_loss_without_an_unblock_ends_no_block() -> None:
    scene = Scene("accept", "recv")
    for conn in (1, 2):
        scene.accepts(conn, tid=10 + conn)
    scene.say(Block(scene.now, PID, 11, 1, "sleep", 5.0))
    lost = Lost(scene.now + MS, PID, 12, events=4, recv=1, recv_bytes=5, send=1, send_bytes=5, new=1, bye=1)
    scene.say(lost)
    assert scene.session.blocks.by_thread, "all that was lost is known to be something else"
    scene.say(Lost(scene.now + MS, PID, 12, events=3, recv=1, recv_bytes=5, send=1, send_bytes=5))
    assert not scene.session.blocks.by_thread


def test_late_new_record_does_not_undo_a_later_one() -> None:
    scene = Scene("accept", "recv", workers=(11, 12))
    early = scene.now
    scene.passes(1000)
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(50)
    accepted = scene.now
    scene.say(New(accepted, PID, 11, 1, "127.0.0.1:6001"))
    scene.say(New(early, PID, 12, 2, "127.0.0.1:6002"))
    scene.passes(500)
    assert scene.only().begin == accepted


def test_shrinking_unread_bytes_are_progress_after_records_too() -> None:
    scene, peers = loop()
    scene.reads(1)
    scene.passes(1000)
    scene.does(PID, "")
    for size in range(100, 50, -1):
        scene.unread = {peers[0]: size}
        scene.passes(50, running=PID)
    assert scene.stalls == []


def test_process_with_a_reused_pid_is_another_one() -> None:
    scene = Scene("accept", "recv")
    scene.say(ProcessSample(scene.now, 8, PID, 1.0, 10, 1, 5, 5), ProcessGone(scene.now, 8))
    scene.say(ProcessSample(scene.now + MS, 8, PID, None, 10, 1, 5, 5))
    process = scene.session.resources.processes[8]
    assert (process.gone_at, process.since, process.rss) == (0, scene.now + MS, 10)


def test_client_whose_process_died_does_not_wait() -> None:
    """The client process has died, so no `ClientClosed` observations follow."""
    scene, peers = loop()
    scene.say(ClientOpening(scene.now, 1), ClientConnected(scene.now, 1, peers[0]), ClientSent(scene.now, 1, 5, "x"))
    connection = scene.session.connections[1]
    assert connection.state is State.WAITING
    scene.say(ClientUnconnected(scene.now + MS, 1, "process-died"))
    assert (connection.state, connection.pending_since) == (State.LEFT, 0)


def test_client_connecting_at_server_exit_leaves_nothing() -> None:
    scene, _ = loop()
    scene.say(ClientOpening(scene.now, 1), ServerExited(scene.now, PID, 0, True))
    scene.say(ClientConnected(scene.now + MS, 1, "127.0.0.1:6000"))
    scene.say(ClientUnconnected(scene.now + 2 * MS, 1, "process-died"))
    assert not scene.session.connections


def test_unavailable_evidence_ends_stalls() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    scene.passes(300)
    assert scene.session.stalls.going
    scene.say(Unavailable(scene.now, "threads", "gone"))
    assert not scene.session.threads.known
    scene.say(Unavailable(scene.now, "sockets", "gone"))
    assert not scene.session.stalls.going
    assert scene.session.connections[1].state is State.QUIET


def test_loop_without_thread_samples_is_not_blamed_for_old_bytes() -> None:
    """Urgent bytes, or those of a client that does not read: while sampled as idle, the loop had read all it could."""
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    scene.passes(1000)
    scene.say(Unavailable(scene.now, "threads", "too many open files"))
    for _ in range(20):
        sample(scene, Socket(peers[0], 5, 0, True))
    assert scene.stalls == []


def test_stall_continues_without_thread_samples() -> None:
    scene = Scene("accept", "recv", workers=(11,))
    peer = scene.accepts(1, tid=11, by=11)
    scene.does(11, "clock_nanosleep")
    scene.unread = {peer: 5}
    scene.passes(1000)
    scene.say(Unavailable(scene.now, "threads", "too many open files"))
    for _ in range(20):
        sample(scene, Socket(peer, 5, 0, True))
    assert (scene.only().cause, scene.only().end) == (Cause.BLOCKED, 0)


def test_queued_connection_that_vanished_is_not_our_client() -> None:
    scene = Scene("accept", "recv", workers=(11,))
    scene.queued = ["127.0.0.1:6000"]
    opened = scene.now
    scene.passes(300)
    scene.say(Unavailable(scene.now, "sockets", "gone"))
    scene.say(ClientOpening(opened, 1), ClientConnected(opened, 1, "127.0.0.1:6000"))
    assert [(c.client, c.state) for c in scene.session.connections.values()] == [(1, State.QUEUED)]


def test_unavailable_sockets_leave_no_queued_connection() -> None:
    scene = Scene("accept", "recv", workers=(11,))
    scene.accepts(1, tid=11, by=11)
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(300)
    assert scene.session.server
    changes = scene.session.changes
    scene.say(Unavailable(scene.now, "sockets", "gone"), Unavailable(scene.now, "threads", "gone"))
    assert scene.session.changes != changes
    assert [c.peer for c in scene.session.connections.values()] == ["127.0.0.1:5001"]
    assert (scene.session.server.interval, scene.session.threads.interval) == (0, None), "nothing is sampled"


def test_ended_workers_and_processes_do_not_accumulate() -> None:
    scene = Scene("accept", "recv")
    for number in range(100, 30_100):
        scene.say(WorkerStarted(scene.now, number, number, "worker"))
        scene.say(New(scene.now, number, -number, 1, "127.0.0.1:5001"), Bye(scene.now, number, -number, 1))
        if not number % 50:
            scene.say(ProcessSample(scene.now, number, PID, 1.0, 10, 1, 5, 5), ProcessGone(scene.now, number))
    session = scene.session
    assert len(session.workers) <= WORKERS_KEPT
    assert len(session.resources.processes) <= PROCESSES_KEPT
    assert len(session.workers.ended_progress) <= PROCESSES_KEPT
    assert not [process for process in session.resources.processes.values() if not process.gone_at]
    alive = range(1, PROCESSES_KEPT + 10)
    scene.say(*(ProcessSample(scene.now, number, PID, 1.0, 10, 1, 5, 5) for number in alive))
    assert [session.resources.processes[number].gone_at for number in alive] == [0] * len(alive), (
        "none of those that run"
    )


def test_wait_of_an_external_client_begins_with_its_bytes() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    scene.passes(1000)
    connection = scene.session.connections[1]
    came = connection.pending_since
    assert came < scene.now - 900 * MS
    scene.unread.clear()
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "sleep", 2.0))
    scene.passes(500)
    assert connection.pending_since == came
    scene.say(Unblock(scene.now, PID, PID, 1), Send(scene.now, PID, PID, 1, 5, "x"))
    assert connection.pending_since == 0
    assert (connection.waits[-1].begin, connection.waits[-1].end) == (came, scene.now)


def test_bytes_of_a_queued_client_wait_since_they_arrived() -> None:
    scene = Scene("accept", "recv")
    sample(scene, Socket("127.0.0.1:6000", 5, 0, False, 400))
    (connection,) = scene.session.connections.values()
    assert connection.unread_since == scene.now - 400 * MS
