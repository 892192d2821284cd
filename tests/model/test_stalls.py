"""Which waits are stalls and which are not, who waits, who is to blame and why."""

import pytest
from echo_servers.records import Block, Bye, Lost, Recv, Send, Unblock
from echo_tui.diagnosis.stall import Cause
from echo_tui.diagnosis.stalls import KEPT, THRESHOLD
from echo_tui.model.evidence import Frame, Socket
from echo_tui.model.observations import ServerExited, SocketSample
from echo_tui.model.remembered import State

from tests.model.scene import INTERVAL, MS, PID, Scene, loop


def test_sleeping_loop_is_a_stall() -> None:
    scene, peers = loop()
    scene.passes(500)
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "sleep", 2.0))
    begin = scene.now
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[1]: 5, peers[2]: 7}
    scene.passes(100)
    assert scene.stalls == [], "observed for only half the threshold"
    assert scene.session.stalls.suspects == {PID}, "but its stack is requested"
    scene.stacks(PID, Frame("/x/block.py", 22, "sleep"), Frame("/x/handler.py", 11, "data_received"))
    scene.passes(100)
    stall = scene.only()
    assert (stall.cause, stall.injected, stall.end) == (Cause.BLOCKED, True, 0)
    assert stall.begin == begin + INTERVAL * MS, "when first sampled; its wait time was not queried"
    assert {victim.peer for victim in stall.victims.values()} == set(peers[1:])
    assert stall.culprit
    assert (stall.culprit.tid, stall.culprit.call, stall.culprit.where) == (
        PID,
        "clock_nanosleep",
        Frame("/x/block.py", 22, "sleep"),
    )
    scene.passes(1000)
    scene.say(Unblock(scene.now, PID, PID, 1), Send(scene.now, PID, PID, 1, 5, "x"))
    ended = scene.now = scene.now + 3 * MS
    scene.does(PID, "epoll_wait")
    scene.reads(2)
    scene.now += MS
    scene.reads(3)
    scene.passes(200)
    assert scene.only() is stall
    assert stall.end == ended
    assert [victim.end for victim in stall.victims.values()] == [ended + 1, ended + MS + 1], "when they were echoed"
    assert scene.session.stalls.totals == {Cause.BLOCKED: 1}
    assert not scene.session.stalls.going


def test_progress_between_two_waits_makes_two_stalls() -> None:
    scene, peers = loop()
    scene.unread = {peers[1]: 5, peers[2]: 5}
    scene.does(PID, "clock_nanosleep")
    scene.passes(500)
    scene.reads(2)
    taken = scene.now
    scene.passes(500)
    first, second = scene.stalls
    assert (first.end, second.begin, second.end) == (taken, taken, 0)
    assert [victim.peer for victim in second.victims.values()] == [peers[2]]


@pytest.mark.parametrize("idle", ["poll", "recv"])
def test_wait_begins_when_the_kernel_received_the_bytes(idle: str) -> None:
    scene = Scene(idle)
    peer = scene.accepts(1)
    scene.passes(500)
    scene.now += 100 * MS
    scene.does(PID, "clock_nanosleep")
    scene.say(SocketSample(scene.now, 0, 128, 0, [], [Socket(peer, 5, 0, True, 90)]))
    scene.unread = {peer: 5}
    scene.passes(50)
    assert scene.only().begin == scene.now - 140 * MS


def test_idle_or_slow_server_does_not_stall() -> None:
    scene, peers = loop()
    scene.passes(5000)
    scene.does(PID, "clock_nanosleep")
    scene.passes(1000)
    assert scene.stalls == [], "not idle, but nothing waits"
    scene.unread = dict.fromkeys(peers, 100_000)
    for number in range(60):
        scene.passes(50)
        scene.reads(number % 3 + 1)
        scene.unread = dict.fromkeys(peers, 100_000)
    assert scene.stalls == [], "all clients wait, but some are served all the time"


def test_bytes_read_since_the_last_sample_end_the_wait() -> None:
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    scene.passes(50)
    (connection,) = (c for c in scene.session.connections.values() if c.peer == peers[0])
    before = connection.state
    scene.now += MS
    scene.reads(1)
    assert (before, connection.state) == (State.WAITING, State.QUIET)
    assert connection.unread, "as of the last sample"
    scene.now += 94 * MS
    scene.reads(1)
    assert not connection.waits


def test_shrinking_unread_bytes_are_no_stall() -> None:
    scene, peers = loop()
    for size in range(100, 50, -1):
        scene.unread = {peers[0]: size}
        scene.passes(50)
    assert scene.stalls == [], "fewer unread bytes mean that they are read, even without a report"


def test_lost_records_cause_no_stall() -> None:
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    for _ in range(20):
        scene.passes(50)
        scene.say(Lost(scene.now, PID, PID, events=9, recv=9))
    assert scene.stalls == []


def test_leaving_ends_one_wait_and_server_exit_ends_all() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = dict.fromkeys(peers[:2], 5)
    scene.passes(300)
    left = scene.now
    scene.say(Bye(left, PID, PID, 1, "ConnectionResetError"))
    stall = scene.only()
    assert stall.victims[1].end == left
    scene.say(ServerExited(scene.now, PID, -9, False))
    assert not scene.session.stalls.going
    assert all(each.end for each in scene.stalls)
    assert not scene.session.threads.known


def test_snapshot_of_a_stall_does_not_change() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    scene.passes(300)
    still = scene.session.snapshot()
    (kept,) = still.stalls.going.values()
    assert kept in still.stalls.all
    scene.reads(1)
    scene.passes(100)
    assert not kept.end
    assert scene.only().end
    assert len(still.stalls.going) == 1


def test_bytes_that_an_idle_loop_leaves_are_no_stall() -> None:
    """Urgent bytes, or bytes of a client with an unanswered message; for others the kernel would wake the loop."""
    scene, peers = loop()
    scene.unread = {peers[0]: 1}
    scene.passes(5000)
    assert scene.stalls == []
    scene.does(PID, "clock_nanosleep")
    begin = scene.now
    scene.unread[peers[1]] = 5
    scene.passes(300)
    assert scene.only().begin >= begin, "it was idle until then"
    scene.does(PID, "epoll_wait")
    scene.reads(2)
    scene.passes(300)
    assert scene.only().end
    assert not scene.session.stalls.going


def test_stopped_loop_is_not_idle() -> None:
    scene, peers = loop()
    scene.passes(200)
    begin = scene.now
    scene.unread = {peers[0]: 5}
    scene.threads[PID].ran += 1
    scene.passes(500)
    scene.threads[PID].stopped = True
    scene.passes(100)
    stall = scene.only()
    assert stall.cause is Cause.STOPPED
    assert begin <= stall.begin <= begin + INTERVAL * MS


def test_short_wait_whose_end_is_reported_late_is_no_stall() -> None:
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    scene.does(PID, "clock_nanosleep")
    scene.passes(200)
    stall = scene.only()
    taken = stall.begin + THRESHOLD // 2
    scene.unread.clear()
    scene.say(Recv(taken, PID, PID, 1, 5, "x"))
    scene.passes(50)
    assert scene.stalls == []
    assert not scene.session.stalls.totals


def test_more_stalls_than_are_kept_can_all_be_withdrawn() -> None:
    scene = Scene("accept", "recv")
    for conn in range(KEPT + 2):
        scene.unread[scene.accepts(conn, tid=1000 + conn)] = 5
        scene.does(1000 + conn, "clock_nanosleep")
    scene.passes(200)
    assert len(scene.stalls) == KEPT
    late = [Recv(scene.now - 150 * MS, PID, 1000 + conn, conn, 5, "x") for conn in range(KEPT + 2)]
    scene.unread.clear()
    scene.say(*late)
    scene.passes(50)
    assert scene.stalls == []
