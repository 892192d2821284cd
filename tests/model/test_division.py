"""How progress that is reported late, and echoes that the kernel shows, split or shorten a stall."""

import pytest
from echo_servers.records import Block, Echo, Recv, Send, Unblock
from echo_tui.diagnosis.stall import Cause
from echo_tui.diagnosis.stalls import Stalls
from echo_tui.model.evidence import Socket
from echo_tui.model.observations import SocketSample
from echo_tui.model.remembered import State

from tests.model.scene import LISTENING, MS, PID, Scene, loop


def gil_held() -> Scene:
    """Return a scene of threads with a client each: the first keeps the GIL, the others have read and wait for it."""
    scene = Scene("accept", "recv", workers=())
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2, 3, 4)]
    scene.passes(500)
    scene.say(Recv(scene.now, PID, 11, 1, 5, "x"), Block(scene.now, PID, 11, 1, "c-gil", 0.3))
    scene.does(11, "clock_nanosleep")
    for number in (2, 3, 4):
        scene.received[peers[number - 1]] = (5, scene.now)
        scene.does(10 + number, "futex", gil=True)
    return scene


def test_late_report_of_early_progress_keeps_the_stall() -> None:
    """A thread makes progress between two blocks that keep the GIL, and can report it only after the second one."""
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


def test_stall_continues_for_others_after_a_late_report() -> None:
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


def test_progress_during_a_stall_splits_it() -> None:
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


def test_reported_echo_counts_once_the_kernel_has_it() -> None:
    """A transport may keep an echo in its own buffer until the next turn of its loop (Twisted, uvloop)."""
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


def test_unreported_echo_in_the_kernel_ends_the_wait() -> None:
    scene = gil_held()
    scene.written = dict.fromkeys(scene.received, 0)
    scene.passes(300)
    scene.written["127.0.0.1:5003"] = 5
    scene.passes(300)
    ends = {victim.peer: bool(victim.end) for victim in scene.only().victims.values()}
    assert ends == {"127.0.0.1:5002": False, "127.0.0.1:5003": True, "127.0.0.1:5004": False}


def test_client_whose_call_keeps_the_gil_is_no_victim() -> None:
    scene, peers = loop()
    scene.say(LISTENING)
    scene.passes(500)
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, 99, 1, "c-gil", 1.0))
    scene.does(99, "clock_nanosleep")
    scene.does(PID, "futex", gil=True)
    scene.received = dict.fromkeys(peers[:2], (5, scene.now))
    scene.passes(400)
    assert [victim.peer for victim in scene.only().victims.values()] == [peers[1]]


def test_reported_block_needs_no_thread_sample() -> None:
    scene, peers = loop()
    scene.passes(500)
    begun = scene.now + MS
    scene.say(Recv(begun, PID, PID, 1, 5, "x"), Block(begun, PID, PID, 1, "cpu", 1.0))
    for elapsed in (100, 200):  # no thread samples: with thousands of threads they are rare
        sample = SocketSample(begun + elapsed * MS, 0, 128, 0, [], [Socket(peers[1], 5, 0, True, elapsed - 10)])
        scene.say(sample)
    stall = scene.only()
    assert (stall.cause, stall.injected, stall.begin) == (Cause.COMPUTING, True, begun + 10 * MS)


@pytest.mark.parametrize(("interval", "least"), [(50, 100), (100, 150), (785, 835)])
def test_shortest_stall_that_is_always_found(interval: int, least: int) -> None:
    assert Stalls().found_from(interval * MS) == least * MS


def test_own_blocking_call_is_no_wait_right_after_its_end() -> None:
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


def test_wait_after_own_blocking_call_begins_at_its_end() -> None:
    """Twisted writes the echoes of a turn at its end, so another client's call may come in between."""
    scene, peers = loop()
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "sleep", 0.3))
    scene.does(PID, "clock_nanosleep")
    scene.received, scene.written = {peers[0]: (5, scene.now)}, {peers[0]: 0}
    scene.passes(300)
    over = scene.now
    scene.say(Unblock(over, PID, PID, 1), Recv(over, PID, PID, 2, 5, "x"), Block(over, PID, PID, 2, "sleep", 0.5))
    scene.passes(300)
    assert [(v.peer, v.begin) for v in scene.only().victims.values()] == [(peers[0], over)]


def test_own_blocking_call_makes_its_client_no_victim_of_it_right_after_its_end() -> None:
    """A sample may come between the end of a call and the loop's next read, which ends the stall of the others."""
    scene, peers = loop()
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "c-call", 0.7))
    scene.does(PID, "clock_nanosleep")
    scene.received, scene.written = {peers[0]: (5, scene.now)}, {peers[0]: 0}
    scene.unread[peers[1]] = 5
    scene.passes(700)
    scene.say(Unblock(scene.now + 49 * MS, PID, PID, 1))
    scene.passes(50)
    scene.reads(2)
    scene.say(Send(scene.now, PID, PID, 1, 5, "x"))
    scene.written = {peers[0]: 5}
    scene.does(PID, "epoll_wait")
    scene.passes(50)
    assert [victim.peer for victim in scene.only().victims.values()] == [peers[1]]
