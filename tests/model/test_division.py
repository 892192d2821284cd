"""What divides a stall and what is left of it: takes that are reported late, and what the kernel shows of echoes."""

import pytest
from echo_servers.records import Block, Echo, Recv, Send, Unblock
from echo_tui.diagnosis.stall import Cause
from echo_tui.diagnosis.stalls import Stalls
from echo_tui.model.connection import State
from echo_tui.model.observations import Socket, SocketSample

from tests.model.scene import LISTENING, MS, PID, Scene, loop


def gil_held() -> Scene:
    """Threads with a client each: all but the first want the GIL, which that one keeps; their clients have sent."""
    scene = Scene("accept", "recv", workers=())
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2, 3, 4)]
    scene.passes(500)
    scene.say(Recv(scene.now, PID, 11, 1, 5, "x"), Block(scene.now, PID, 11, 1, "c-gil", 0.3))
    scene.does(11, "clock_nanosleep")
    for number in (2, 3, 4):
        scene.received[peers[number - 1]] = (5, scene.now)
        scene.does(10 + number, "futex", gil=True)
    return scene


def test_what_was_taken_right_after_the_begin_and_is_reported_late_does_not_undo_a_stall() -> None:
    """Between two holds of the GIL a thread serves its client, and can't report it before the second hold is over."""
    scene = gil_held()
    scene.passes(300)
    first = scene.only()
    between = scene.now + MS
    scene.say(Unblock(between, PID, 11, 1), Send(between, PID, 11, 1, 5, "x"))
    scene.say(Recv(between + MS, PID, 12, 2, 5, "x"), Block(between + MS, PID, 12, 2, "c-gil", 0.3))
    scene.does(11, "recvfrom")
    scene.does(12, "clock_nanosleep")
    scene.passes(300)
    second = scene.stalls[-1]
    assert (first.end, second.begin, second.end) == (between + MS, between + MS, 0)
    taken, over = between + 2 * MS, scene.now + MS
    scene.say(Echo(taken, PID, 13, 3, 5, "x", MS), Unblock(over, PID, 12, 2), Echo(over, PID, 14, 4, 5, "x", MS))
    scene.received.clear()
    for tid in (12, 13, 14):
        scene.does(tid, "recvfrom")
    scene.passes(100)
    assert scene.stalls == [first, second]
    assert (second.begin, second.end) == (taken, over)
    assert [victim.peer for victim in second.victims.values()] == ["127.0.0.1:5004"]
    assert scene.session.stalls.totals == {Cause.GIL: 2}


def test_a_stall_goes_on_for_those_who_wait_after_a_take_that_is_reported_late() -> None:
    scene = gil_held()
    scene.passes(300)
    stall = scene.only()
    taken = stall.begin + MS
    scene.say(Echo(taken, PID, 13, 3, 5, "x", MS))
    scene.received.pop("127.0.0.1:5003")
    scene.does(13, "recvfrom")
    scene.passes(50)
    assert scene.only() is stall
    assert (stall.begin, stall.end) == (taken, 0)
    assert {victim.peer for victim in stall.victims.values()} == {"127.0.0.1:5002", "127.0.0.1:5004"}


def test_a_stall_in_which_something_was_taken_is_two() -> None:
    scene = gil_held()
    begin = scene.now
    scene.passes(600)
    taken, over = begin + 300 * MS, scene.now
    scene.say(
        Echo(taken, PID, 13, 3, 5, "x", MS), Echo(over, PID, 12, 2, 5, "x", MS), Echo(over, PID, 14, 4, 5, "x", MS)
    )
    scene.received.clear()
    scene.passes(50)
    first, second = scene.stalls
    assert (first.end, second.begin, second.end) == (taken, taken, over)
    assert [victim.peer for victim in second.victims.values()] == ["127.0.0.1:5002", "127.0.0.1:5004"]
    assert [victim.end for victim in first.victims.values()] == [taken, taken + MS, taken]


def test_who_is_told_to_have_sent_by_the_server_waits_until_the_kernel_has_it() -> None:
    """A transport may keep an echo in a buffer of its own until its loop turns again (Twisted, uvloop)."""
    scene, peers = loop()
    scene.say(LISTENING)
    scene.passes(500)
    came = scene.now
    scene.say(Recv(came, PID, PID, 1, 5, "x"), Send(came, PID, PID, 1, 5, "x"))
    scene.say(Recv(came, PID, PID, 2, 5, "x"), Block(came, PID, PID, 2, "sleep", 1.0))
    scene.does(PID, "clock_nanosleep")
    scene.received = {peers[0]: (5, came), peers[1]: (5, came)}
    scene.written = dict.fromkeys(peers[:2], 0)
    scene.passes(400)
    stall = scene.only()
    assert [victim.peer for victim in stall.victims.values()] == [peers[0]]
    before = scene.session.connections[1].state
    scene.written = dict.fromkeys(peers[:2], 5)
    scene.does(PID, "epoll_wait")
    scene.passes(50)
    assert stall.end
    assert (before, scene.session.connections[1].state) == (State.WAITING, State.QUIET)


def test_who_has_its_echo_by_the_kernels_word_is_no_victim_though_it_is_not_reported() -> None:
    scene = gil_held()
    scene.written = dict.fromkeys(scene.received, 0)
    scene.passes(300)
    scene.written["127.0.0.1:5003"] = 5
    scene.passes(300)
    ends = {victim.peer: bool(victim.end) for victim in scene.only().victims.values()}
    assert ends == {"127.0.0.1:5002": False, "127.0.0.1:5003": True, "127.0.0.1:5004": False}


def test_who_keeps_the_gil_is_no_victim_of_its_own_call() -> None:
    scene, peers = loop()
    scene.say(LISTENING)
    scene.passes(500)
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, 99, 1, "c-gil", 1.0))
    scene.does(99, "clock_nanosleep")
    scene.does(PID, "futex", gil=True)
    scene.received = dict.fromkeys(peers[:2], (5, scene.now))
    scene.passes(400)
    assert [victim.peer for victim in scene.only().victims.values()] == [peers[1]]


def test_a_block_that_the_server_reports_needs_no_sample_of_its_thread() -> None:
    scene, peers = loop()
    scene.passes(500)
    begun = scene.now + MS
    scene.say(Recv(begun, PID, PID, 1, 5, "x"), Block(begun, PID, PID, 1, "cpu", 1.0))
    for elapsed in (100, 200):  # threads are sampled seldom, where there are thousands of them
        sample = SocketSample(begun + elapsed * MS, 0, 128, 0, [], [Socket(peers[1], 5, 0, True, elapsed - 10)])
        scene.say(sample)
    stall = scene.only()
    assert (stall.cause, stall.injected, stall.begin) == (Cause.COMPUTING, True, begun + 10 * MS)


@pytest.mark.parametrize(("interval", "least"), [(50, 100), (100, 150), (785, 835)])
def test_from_which_length_on_stalls_are_found(interval: int, least: int) -> None:
    assert Stalls().found_from(interval * MS) == least * MS


def test_who_has_just_left_its_own_blocking_call_has_not_waited_for_it() -> None:
    """A sample may come between the end of a call and its echo."""
    scene, peers = loop()
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "sleep", 0.7))
    scene.does(PID, "clock_nanosleep")
    scene.received, scene.written = {peers[0]: (5, scene.now)}, {peers[0]: 0}
    scene.passes(700)
    scene.say(Unblock(scene.now + 49 * MS, PID, PID, 1))
    scene.passes(50)
    assert scene.stalls == []
    scene.say(Send(scene.now, PID, PID, 1, 5, "x"))
    scene.written = {peers[0]: 5}
    scene.passes(50)
    assert scene.stalls == []


def test_who_waits_on_after_its_own_blocking_call_waits_from_its_end() -> None:
    """Twisted writes the echoes of a turn when it is over: another one's call comes in between."""
    scene, peers = loop()
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "sleep", 0.3))
    scene.does(PID, "clock_nanosleep")
    scene.received, scene.written = {peers[0]: (5, scene.now)}, {peers[0]: 0}
    scene.passes(300)
    over = scene.now
    scene.say(Unblock(over, PID, PID, 1), Recv(over, PID, PID, 2, 5, "x"), Block(over, PID, PID, 2, "sleep", 0.5))
    scene.passes(300)
    assert [(v.peer, v.begin) for v in scene.only().victims.values()] == [(peers[0], over)]
