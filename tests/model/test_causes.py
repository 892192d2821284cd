"""Why a server makes no progress, and which thread and line is to blame."""

import pytest
from echo_servers.records import Block, Bye, Echo, Lost, New, Recv, Unblock
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.evidence import Frame
from echo_tui.words.stalls import sentence

from tests.model.scene import INTERVAL, MS, PID, Scene, loop


@pytest.mark.parametrize(
    ("call", "running", "starving", "cause"),
    [
        ("clock_nanosleep", 0, 0, Cause.BLOCKED),
        ("futex", 0, 0, Cause.BLOCKED),
        ("syscall-999", 0, 0, Cause.BLOCKED),
        ("", PID, 0, Cause.COMPUTING),
        ("", 0, PID, Cause.NO_CORE),
        ("", 0, 0, Cause.NO_CORE),
        ("sendto", 0, 0, Cause.NOT_READING),
        ("write", 0, 0, Cause.BLOCKED),
        ("ppoll", 0, 0, Cause.BLOCKED),
    ],
)
def test_cause_by_the_state_of_the_thread(call: str, running: int, starving: int, cause: Cause) -> None:
    scene, peers = loop()
    scene.passes(100)
    scene.unread = {peers[1]: 5}
    scene.does(PID, call)
    scene.passes(600, running, starving)
    assert scene.only().cause is cause
    assert not scene.only().injected
    assert sentence(cause)


def test_write_to_a_client_means_that_it_does_not_read() -> None:
    scene, peers = loop()
    scene.unread = {peers[1]: 5}
    scene.does(PID, "write", peer=peers[1])
    scene.passes(600)
    assert scene.only().cause is Cause.NOT_READING


def test_thread_that_waits_for_the_gil_and_thread_that_has_it() -> None:
    scene = Scene("accept", "recv")
    waiting, _ = scene.accepts(1, tid=11), scene.accepts(2, tid=12)
    scene.does(11, "futex", gil=True)
    scene.does(12, "")
    scene.unread = {waiting: 5}
    scene.passes(200, running=12)
    scene.stacks(12, Frame("/lib/python3.12/re/__init__.py", 5, "match"), Frame("/x/handler.py", 9, "search"))
    scene.passes(200, running=12)
    stall = scene.only()
    assert stall.cause is Cause.GIL
    assert stall.culprit
    assert stall.culprit.tid == 12
    assert stall.culprit.where == Frame("/x/handler.py", 9, "search"), "not a line of the library"


def test_all_workers_of_a_pool_are_busy() -> None:
    scene = Scene("accept", "recv", workers=(11, 12))
    for conn, tid in ((1, 11), (2, 12)):
        scene.does(tid, "recvfrom", scene.accepts(conn, tid=tid, by=tid))
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(300)
    scene.reads(1, tid=11)
    scene.passes(300)
    stall = scene.only()
    assert (stall.cause, stall.injected, len(stall.victims)) == (Cause.ALL_WORKERS_BUSY, False, 1)
    scene.say(Bye(scene.now, PID, 11, 1))
    scene.queued = []
    scene.say(New(scene.now + MS, PID, 11, 3, "127.0.0.1:6000"))
    scene.passes(100)
    assert scene.only().end == scene.now - 100 * MS + MS


def test_one_thread_and_one_client() -> None:
    scene = Scene("accept", "recv")
    scene.does(PID, "recvfrom", scene.accepts(1))
    scene.queued = ["127.0.0.1:6000"]
    for _ in range(10):
        scene.passes(50)
        scene.reads(1)
    stall = scene.only()
    assert stall.cause is Cause.ONE_CLIENT
    assert stall.culprit
    assert stall.culprit.call == "recvfrom"


def test_full_backlog() -> None:
    scene = Scene("accept", "recv")
    scene.does(PID, "recvfrom", scene.accepts(1))
    scene.queued = [f"127.0.0.1:{6000 + n}" for n in range(3)]
    scene.unanswered = ["127.0.0.1:6010"]
    scene.passes(200)
    stall = scene.only()
    assert (stall.cause, stall.unanswered) == (Cause.BACKLOG, ("127.0.0.1:6010",))


@pytest.mark.parametrize("rest", ["recvfrom", "clock_nanosleep"])
def test_pool_whose_workers_all_block_is_blocked_not_busy(rest: str) -> None:
    scene = Scene("accept", "recv", workers=(11, 12))
    scene.accepts(1, tid=11)
    scene.accepts(2, tid=12)
    scene.does(11, "clock_nanosleep")
    scene.does(12, rest)
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(400)
    assert scene.only().cause is (Cause.ALL_WORKERS_BUSY if rest == "recvfrom" else Cause.BLOCKED)


def test_line_is_dropped_when_the_cause_changes() -> None:
    """A busy loop turns again after a sleep, with the accept queue as long as before."""
    scene = Scene("accept", "spin")
    scene.accepts(1)
    scene.does(PID, "clock_nanosleep")
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(150)
    scene.stacks(PID, Frame("/x/block.py", 26, "sleep"))
    scene.passes(150)
    stall = scene.only()
    assert stall.culprit
    assert (stall.cause, stall.culprit.where) == (Cause.BLOCKED, Frame("/x/block.py", 26, "sleep"))
    turned = scene.now
    scene.does(PID, "")
    scene.passes(400, running=PID)
    before, now = scene.stalls
    assert (before.cause, before.end) == (Cause.BLOCKED, turned + INTERVAL * MS)
    assert (now.cause, now.begin, now.located_at) == (Cause.ONE_CLIENT, before.end, 0)
    assert PID in scene.session.stalls.suspects, "its line is requested again"
    scene.stacks(PID, Frame("/x/busy.py", 19, "spin"))
    scene.passes(50)
    assert now.culprit
    assert now.culprit.where == Frame("/x/busy.py", 19, "spin")


def test_queued_client_is_a_victim_of_the_gil_stall() -> None:
    scene = Scene("accept", "recv")
    served = scene.accepts(1, tid=11)
    scene.accepts(2, tid=12)
    scene.does(PID, "futex", gil=True)
    scene.does(11, "futex", gil=True)
    scene.does(12, "")
    scene.unread = {served: 5}
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(400, running=12)
    stall = scene.only()
    assert (stall.cause, len(stall.victims)) == (Cause.GIL, 2)


def test_waiting_for_the_gil_without_work_is_no_stall() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1, tid=11)
    scene.accepts(2, tid=12)
    scene.reads(1, tid=11)
    scene.does(11, "futex", gil=True)
    scene.does(12, "")
    scene.passes(800, running=12)
    assert scene.stalls == []


def blocked_in_turn() -> tuple[Scene, list[str]]:
    """Return a scene of three clients with a thread each, all idle in recv, and the clients' addresses."""
    scene = Scene("accept", "recv", workers=())
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2, 3)]
    for tid in (11, 12, 13):
        scene.does(tid, "recvfrom")
    scene.passes(500)
    return scene, peers


def test_blocks_that_keep_the_gil_in_turn_are_separate_stalls() -> None:
    scene, peers = blocked_in_turn()
    arrived = scene.now
    scene.received = dict.fromkeys(peers[1:], (5, arrived))
    scene.say(Recv(scene.now + MS, PID, 11, 1, 5, "x"))
    for tid in (12, 13):
        scene.does(tid, "futex", gil=True)
    scene.does(11, "clock_nanosleep")
    scene.passes(1000)
    taken = scene.now
    scene.received.pop(peers[1])
    scene.say(Recv(taken, PID, 12, 2, 5, "x"))
    scene.does(12, "clock_nanosleep")
    scene.passes(1000)
    first, second = scene.stalls
    assert (first.cause, second.cause) == (Cause.GIL, Cause.GIL)
    assert first.begin >= arrived, "no wait begins before bytes have arrived"
    assert (first.end, second.begin) == (taken, taken)
    assert [victim.peer for victim in second.victims.values()] == [peers[2]]


@pytest.mark.parametrize("reported", [True, False])
def test_reported_or_lost_echo_is_no_wait_for_the_gil(reported: bool) -> None:
    """Even if the kernel was not queried since; nor does a client wait whose echo may be among lost records."""
    scene, peers = blocked_in_turn()
    scene.received = {peers[1]: (5, scene.now)}
    scene.does(12, "futex", gil=True)
    scene.passes(50)
    if reported:
        scene.received.clear()
        scene.say(Echo(scene.now, PID, 12, 2, 5, "x", 1))
    else:
        scene.say(Lost(scene.now, PID, 12, events=1, recv=1, recv_bytes=5))
    scene.passes(1000)
    assert scene.stalls == []


def test_threads_that_compute_in_turns_make_at_most_a_stall_each() -> None:
    """A sample shows each thread either computing or waiting for the GIL."""
    scene, peers = blocked_in_turn()
    scene.unread = dict.fromkeys(peers, 5)
    for turn in range(40):
        for tid in (11, 12, 13):
            has_it = turn % 3 == tid - 11
            scene.does(tid, "" if has_it else "futex", gil=not has_it)
        scene.passes(50, running=11 + turn % 3)
    assert len(scene.stalls) <= 3
    assert sum(len(stall.victims) for stall in scene.stalls) == 3


def test_c_code_that_keeps_the_gil_blocks_the_whole_process() -> None:
    scene = Scene("accept", "recv", workers=())
    for conn in (1, 2):
        scene.accepts(conn, tid=10 + conn)
    first, second = scene.session.connections.values()
    scene.say(Recv(scene.now, PID, 11, 1, 5, "x"), Block(scene.now, PID, 11, 1, "c-gil", 2.0))
    assert (scene.session.thread_blocked_since(first), scene.session.thread_blocked_since(second)) == (0, scene.now)
    scene.say(Unblock(scene.now + MS, PID, 11, 1))
    assert scene.session.thread_blocked_since(second) == 0
    scene.say(Block(scene.now + 2 * MS, PID, 11, 1, "sleep", 2.0))
    assert scene.session.thread_blocked_since(second) == 0, "it has a thread of its own"
