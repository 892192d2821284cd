"""Who waits and who does not, while a server thread can't report because it waits for the GIL."""

import pytest
from echo_servers.records import Block, Bye, Lost, New, Recv
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.evidence import Frame
from echo_tui.model.observations import (
    ClientConnected,
    ClientEcho,
    ClientOpening,
    ClientSent,
)
from echo_tui.model.remembered import State
from echo_tui.run import sampling

from tests.model.scene import LISTENING, MS, PID, Scene


def starved() -> tuple[Scene, list[str]]:
    """Return a scene of three of our clients with a thread each, of which the last two have sent and want the GIL."""
    scene = Scene("accept", "recv", workers=())
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2, 3)]
    for number, peer in enumerate(peers, 1):
        scene.say(ClientOpening(scene.now, number), ClientConnected(scene.now, number, peer))
        scene.does(10 + number, "recvfrom")
    scene.passes(500)
    for number in (2, 3):
        scene.say(ClientSent(scene.now, number, 5, "x"))
        scene.received[peers[number - 1]] = (5, scene.now)
        scene.does(10 + number, "futex", gil=True)
    return scene, peers


def test_queued_connections_leave_room_to_query_others() -> None:
    scene = Scene("accept", "recv")
    scene.say(LISTENING)
    served = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2, 3)]
    for tid in (11, 12, 13):
        scene.does(tid, "futex", gil=True)
    scene.queued = [f"127.0.0.1:{6000 + number}" for number in range(40)]
    scene.passes(200)
    assert set(served) <= set(sampling.wanted(scene.session))


def test_echo_during_a_stall_ends_the_wait() -> None:
    scene, peers = starved()
    scene.does(11, "")
    scene.passes(500, running=11)
    echoed = scene.now
    scene.say(ClientEcho(echoed, 2, 5, "x", MS, 0))
    scene.passes(500, running=11)
    assert {victim.peer: victim.end for victim in scene.only().victims.values()} == {peers[1]: echoed, peers[2]: 0}


def test_client_with_its_echo_does_not_wait_for_the_record() -> None:
    """`send` releases the GIL: a thread that acquires it then delays the sender's record, but not its client's echo."""
    scene, peers = starved()
    scene.say(ClientEcho(scene.now + MS, 2, 5, "x", MS, 0))
    scene.say(Recv(scene.now, PID, 11, 1, 5, "x"), Block(scene.now, PID, 11, 1, "c-gil", 2.0))
    scene.does(11, "clock_nanosleep")
    scene.passes(1000)
    assert {victim.peer for victim in scene.only().victims.values()} == {peers[2]}


def test_wait_for_the_gil_is_shown_as_waiting() -> None:
    scene = Scene("accept", "recv")
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2)]
    for tid in (11, 12):
        scene.does(tid, "recvfrom")
    scene.passes(500)
    came = scene.now
    scene.received[peers[1]] = (5, came)
    scene.does(12, "futex", gil=True)
    scene.does(11, "")
    scene.passes(1000, running=11)
    connection = scene.session.connections[2]
    assert (connection.state, connection.pending_since) == (State.WAITING, came)
    scene.reads(2, tid=12)
    assert connection.state is State.QUIET
    assert [(wait.begin, wait.end) for wait in connection.waits] == [(came, scene.now + 1)]


def test_client_that_sends_again_during_a_stall_waits_again() -> None:
    scene, peers = starved()
    scene.does(11, "")
    scene.passes(500, running=11)
    scene.say(ClientEcho(scene.now, 2, 5, "x", MS, 0))
    scene.passes(200, running=11)
    scene.say(ClientSent(scene.now, 2, 5, "x"))
    scene.received[peers[1]] = (10, scene.now)
    scene.passes(500, running=11)
    assert {victim.peer: victim.end for victim in scene.only().victims.values()} == {peers[1]: 0, peers[2]: 0}


def test_connection_reported_after_a_loss_does_not_wait() -> None:
    """A full pipe delays `New` records and counts echoes as lost; the `Lost` record arrives first."""
    scene = Scene("accept", "recv")
    scene.accepts(1, tid=11)
    scene.does(11, "recvfrom")
    scene.passes(100)
    opened = scene.now
    scene.now += 100 * MS
    scene.say(Lost(scene.now, PID, 12, events=2, recv=1, recv_bytes=5, send=1, send_bytes=5))
    scene.say(New(opened, PID, 12, 2, "127.0.0.1:5002"))
    scene.received = {"127.0.0.1:5002": (5, opened)}
    scene.does(12, "futex", gil=True)
    scene.passes(1000)
    assert scene.stalls == []


def test_loss_in_one_process_does_not_affect_another() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1, tid=11)
    scene.does(11, "")
    scene.passes(100, running=11)
    opened = scene.now
    scene.now += 100 * MS
    scene.say(Lost(scene.now, PID + 1, 99, events=2, recv=1, recv_bytes=5, send=1, send_bytes=5))
    scene.say(New(opened, PID, 12, 2, "127.0.0.1:5002"))
    scene.received = {"127.0.0.1:5002": (5, opened)}
    scene.does(12, "futex", gil=True)
    scene.passes(1000, running=11)
    assert [victim.peer for victim in scene.only().victims.values()] == ["127.0.0.1:5002"]


def test_socket_still_open_after_bye_is_no_new_connection() -> None:
    """The thread that has reported `Bye` needs the GIL before it can close the socket."""
    scene = Scene("accept", "recv", workers=(11, 12))
    peer = scene.accepts(1, tid=11, by=11)
    scene.passes(500)
    scene.say(Bye(scene.now, PID, 11, 1))
    scene.does(11, "futex", gil=True)
    scene.received = {peer: (0, scene.now)}
    scene.passes(500)
    assert not scene.session.connections
    assert scene.stalls == []


def test_progress_of_an_ended_thread_counts() -> None:
    """One of three threads makes progress and ends: that progress still ends the stall of the others."""
    scene = Scene("accept", "recv")
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2, 3)]
    scene.does(PID, "accept4")
    for tid in (11, 12):
        scene.does(tid, "futex", gil=True)
    scene.does(13, "")
    scene.unread = dict.fromkeys(peers[:2], 5)
    scene.passes(1000, running=13)
    first = scene.only()
    taken = scene.now
    scene.reads(1, tid=11)
    scene.say(Bye(taken + MS, PID, 11, 1))
    scene.threads.pop(11)
    scene.passes(50, running=13)
    assert (scene.stalls, first.end) == ([first], taken)
    scene.passes(200, running=13)
    assert [stall.begin for stall in scene.stalls[1:]] == [taken + MS]


@pytest.mark.parametrize("said", [True, False])
def test_gil_holder_is_distinguished_from_idle_pool_threads(said: bool) -> None:
    """By its own record, or by the innermost line of its stack: a thread in the library's queue waits for work."""
    scene = Scene("accept", "recv", workers=())
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2)]
    for tid in (11, 12):
        scene.does(tid, "recvfrom")
    for tid in (21, 22):
        scene.does(tid, "futex")
        scene.stacks(tid, Frame("/usr/lib/python3.11/queue.py", 1, "get"), Frame("/x/pool.py", 1, "work"))
    scene.passes(500)
    for tid in (21, 22):
        scene.stacks(tid, Frame("/usr/lib/python3.11/queue.py", 1, "get"), Frame("/x/pool.py", 1, "work"))
    if said:
        scene.say(Recv(scene.now, PID, 11, 1, 5, "x"), Block(scene.now, PID, 11, 1, "c-gil", 2.0))
    scene.does(11, "futex")
    scene.does(12, "futex", gil=True)
    scene.received[peers[1]] = (5, scene.now)
    scene.passes(200)
    if not said:
        scene.stacks(11, Frame("/x/echo.py", 1, "echo"))
    scene.passes(500)
    stall = scene.only()
    assert (stall.cause, stall.culprit and stall.culprit.tid, stall.injected) == (Cause.GIL, 11, said)
