"""What was true once, or came late, or was never asked, makes no stall, no victim and no number on screen."""

import pytest
from echo_servers.records import Block, Bye, Lost, New, Recv, Send, Unblock, Worker
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.connection import State
from echo_tui.model.observations import (
    ClientConnected,
    ClientOpening,
    ClientSent,
    ClientUnconnected,
    Frame,
    ProcessGone,
    ProcessSample,
    ServerExited,
    Socket,
    SocketSample,
    Unavailable,
)
from echo_tui.model.totals import PROCESSES_KEPT
from echo_tui.model.workers import WORKERS_KEPT
from echo_tui.run import sampling

from tests.model.scene import LISTENING, LOOK, MS, PID, Scene, loop


def look(scene: Scene, *sockets: Socket) -> None:
    """A look at the sockets alone, with what was asked for in it."""
    scene.now += LOOK * MS
    queue = sum(not socket.accepted for socket in sockets)
    scene.say(SocketSample(scene.now, queue, 128, 0, [], list(sockets)))


def test_of_many_whom_a_loop_has_accepted_and_not_greeted_none_has_left_the_queue() -> None:
    """A flood that a loop accepts in one turn, before another block: only some of them can be asked for at a look."""
    scene, _ = loop()
    scene.say(LISTENING)
    peers = [f"127.0.0.1:{6000 + number}" for number in range(100)]
    scene.does(PID, "clock_nanosleep")
    scene.passes(50)
    look(scene, *(Socket(peer, 0, 0, False) for peer in peers))
    for _ in range(20):  # now they are accepted, and silent: the kernel tells of those that are asked for
        asked = list(sampling.wanted(scene.session))[:32]
        look(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in asked if peer in peers))
    assert [c.state for c in scene.session.connections.values()].count(State.QUEUED) == 100
    assert not scene.session.connections.closed
    gone = set(peers[40:])
    for _ in range(20):
        asked = list(sampling.wanted(scene.session))[:32]
        look(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in asked if peer not in gone))
    assert {c.peer for c in scene.session.connections.closed} == gone, "those have left"


def test_of_many_who_are_silent_each_has_its_turn_to_be_asked_for() -> None:
    """Those who have left stand behind more who are there than can be asked for at one look."""
    scene, _ = loop()
    scene.say(LISTENING)
    peers = [f"127.0.0.1:{6000 + number}" for number in range(120)]
    gone = set(peers[70:])
    scene.does(PID, "clock_nanosleep")
    scene.passes(50)
    look(scene, *(Socket(peer, 0, 0, False) for peer in peers))
    for _ in range(60):
        look(scene, *(Socket(peer, 0, 0, True, 500, 0) for peer in sampling.wanted(scene.session) if peer not in gone))
    assert {c.peer for c in scene.session.connections.closed} == gone


def test_one_look_at_a_thread_that_runs_does_not_undo_what_all_the_others_have_shown() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1)
    scene.does(PID, "recvfrom", "127.0.0.1:5001")
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(2000)
    scene.does(PID, "")
    scene.passes(50, running=PID)
    assert scene.only().cause is Cause.ONE_CLIENT


@pytest.mark.parametrize(("call", "cause"), [("", Cause.COMPUTING), ("clock_nanosleep", Cause.BLOCKED)])
def test_a_cause_is_not_worked_out_from_two_threads(call: str, cause: Cause) -> None:
    """Two loops are held up; the one that has had more of a core comes to rest, and the other one is to blame now."""
    scene = Scene("poll", workers=(11, 12))
    scene.passes(50)
    for tid, what in ((11, call), (12, "")):
        scene.accepts(tid, tid=tid, by=tid)
        scene.does(tid, what)
    scene.threads[11].ran = 60_000 * MS
    scene.queued = ["127.0.0.1:6000"]

    def both_go_on(ms: int) -> None:
        for _ in range(ms // LOOK):
            scene.threads[12].ran += LOOK * MS
            scene.passes(LOOK, running=0 if call else 11)

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


def test_one_that_is_over_by_what_is_told_is_not_opened_by_an_older_look() -> None:
    scene = Scene("accept", "recv")
    peer = "127.0.0.1:6000"
    sample = SocketSample(scene.now, 1, 128, 0, [], [Socket(peer, 0, 0, False)])
    scene.say(New(scene.now + MS, PID, PID, 1, peer), Bye(scene.now + 2 * MS, PID, PID, 1))
    scene.say(sample)
    assert not scene.session.connections
    assert [c.error for c in scene.session.connections.closed] == [""]


def test_one_in_the_queue_with_a_port_of_somebody_who_has_left_long_ago_is_seen() -> None:
    scene = Scene("accept", "recv")
    peer = "127.0.0.1:6000"
    scene.say(New(scene.now, PID, PID, 1, peer), Bye(scene.now + MS, PID, PID, 1))
    scene.queued = [peer]
    scene.passes(100)
    assert [c.state for c in scene.session.connections.values()] == [State.QUEUED]


def test_one_that_is_accepted_after_a_look_is_the_one_that_was_in_the_queue_then() -> None:
    scene = Scene("accept", "recv")
    peer = "127.0.0.1:6000"
    sample = SocketSample(scene.now, 1, 128, 0, [], [Socket(peer, 0, 0, False)])
    scene.say(New(scene.now + MS, PID, PID, 1, peer))
    scene.say(sample)
    assert [c.state for c in scene.session.connections.values()] == [State.QUIET]


def test_a_newcomer_with_a_port_of_before_is_not_the_one_that_had_it() -> None:
    """A client resets, and another gets its port: the server, which stalls, has heard of neither."""
    scene = Scene("accept", "recv", workers=(11,))
    peer = scene.accepts(1, tid=11, by=11)
    scene.does(11, "clock_nanosleep")
    scene.passes(100)
    look(scene, Socket(peer, 5, 0, False))
    scene.queued = [peer]
    scene.passes(400)
    old, new = scene.session.connections.values()
    assert (old.state, new.state) == (State.LEFT, State.QUEUED)
    assert (old.unread, new.opened_at > old.accepted_at) == (0, True)
    assert [list(stall.victims) for stall in scene.stalls] == [[new.number]]
    scene.say(Bye(scene.now, PID, 11, 1), New(scene.now, PID, 11, 2, peer))
    assert (old.state, new.state) == (State.CLOSED, State.QUIET)


def test_a_loss_that_holds_no_end_of_a_block_ends_none() -> None:
    scene = Scene("accept", "recv")
    for conn in (1, 2):
        scene.accepts(conn, tid=10 + conn)
    scene.say(Block(scene.now, PID, 11, 1, "sleep", 5.0))
    lost = Lost(scene.now + MS, PID, 12, events=4, recv=1, recv_bytes=5, send=1, send_bytes=5, new=1, bye=1)
    scene.say(lost)
    assert scene.session.blocks.by_thread, "all that was lost is known to be something else"
    scene.say(Lost(scene.now + MS, PID, 12, events=3, recv=1, recv_bytes=5, send=1, send_bytes=5))
    assert not scene.session.blocks.by_thread


def test_an_acceptance_that_is_told_late_takes_back_none_that_came_after_it() -> None:
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


def test_bytes_that_become_fewer_are_taken_also_where_the_server_has_spoken_before() -> None:
    scene, peers = loop()
    scene.takes(1)
    scene.passes(1000)
    scene.does(PID, "")
    for size in range(100, 50, -1):
        scene.unread = {peers[0]: size}
        scene.passes(50, running=PID)
    assert scene.stalls == []


def test_a_process_with_the_number_of_one_that_has_ended_is_another_one() -> None:
    scene = Scene("accept", "recv")
    scene.say(ProcessSample(scene.now, 8, PID, 1.0, 10, 1, 5, 5), ProcessGone(scene.now, 8))
    scene.say(ProcessSample(scene.now + MS, 8, PID, None, 10, 1, 5, 5))
    process = scene.session.resources.processes[8]
    assert (process.gone_at, process.since, process.rss) == (0, scene.now + MS, 10)


def test_a_client_that_has_lost_its_connection_does_not_wait_on_it() -> None:
    """The clients' process has died, and nobody is left to say that each connection is closed."""
    scene, peers = loop()
    scene.say(ClientOpening(scene.now, 1), ClientConnected(scene.now, 1, peers[0]), ClientSent(scene.now, 1, 5, "x"))
    connection = scene.session.connections[1]
    assert connection.state is State.WAITING
    scene.say(ClientUnconnected(scene.now + MS, 1, "their process died"))
    assert (connection.state, connection.pending_since) == (State.LEFT, 0)


def test_a_client_that_connects_as_the_server_ends_leaves_nothing_behind() -> None:
    scene, _ = loop()
    scene.say(ClientOpening(scene.now, 1), ServerExited(scene.now, PID, 0, True))
    scene.say(ClientConnected(scene.now + MS, 1, "127.0.0.1:6000"))
    scene.say(ClientUnconnected(scene.now + 2 * MS, 1, "their process died"))
    assert not scene.session.connections


def test_evidence_that_is_no_longer_to_be_had_accuses_nobody() -> None:
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


def test_a_loop_that_is_no_longer_seen_resting_is_not_accused_of_what_it_leaves_on_purpose() -> None:
    """Urgent bytes, or those of a client that does not read: as long as it was seen resting, it had taken all."""
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    scene.passes(1000)
    scene.say(Unavailable(scene.now, "threads", "too many open files"))
    for _ in range(20):
        look(scene, Socket(peers[0], 5, 0, True))
    assert scene.stalls == []


def test_a_stall_goes_on_where_only_its_threads_are_no_longer_to_be_seen() -> None:
    scene = Scene("accept", "recv", workers=(11,))
    peer = scene.accepts(1, tid=11, by=11)
    scene.does(11, "clock_nanosleep")
    scene.unread = {peer: 5}
    scene.passes(1000)
    scene.say(Unavailable(scene.now, "threads", "too many open files"))
    for _ in range(20):
        look(scene, Socket(peer, 5, 0, True))
    assert (scene.only().cause, scene.only().end) == (Cause.BLOCKED, 0)


def test_a_stranger_that_went_out_of_sight_in_the_queue_is_not_our_client_that_connects() -> None:
    scene = Scene("accept", "recv", workers=(11,))
    scene.queued = ["127.0.0.1:6000"]
    opened = scene.now
    scene.passes(300)
    scene.say(Unavailable(scene.now, "sockets", "gone"))
    scene.say(ClientOpening(opened, 1), ClientConnected(opened, 1, "127.0.0.1:6000"))
    assert [(c.client, c.state) for c in scene.session.connections.values()] == [(1, State.QUEUED)]


def test_of_sockets_that_are_no_longer_to_be_seen_nothing_goes_on() -> None:
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


def test_workers_and_processes_that_come_and_go_do_not_add_up() -> None:
    scene = Scene("accept", "recv")
    for number in range(100, 30_100):
        scene.say(Worker(scene.now, number, number, "worker"))
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


def test_a_client_of_somebody_else_has_waited_since_its_bytes_came_also_when_they_are_taken_at_last() -> None:
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


def test_bytes_of_one_in_the_queue_have_waited_since_they_came_at_its_first_sight() -> None:
    scene = Scene("accept", "recv")
    look(scene, Socket("127.0.0.1:6000", 5, 0, False, 400))
    (connection,) = scene.session.connections.values()
    assert connection.unread_since == scene.now - 400 * MS
