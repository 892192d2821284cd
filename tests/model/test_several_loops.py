"""Several loops that accept: who is blamed for a connection that nobody takes."""

from echo_servers.records import New
from echo_tui.diagnosis.stall import Cause
from echo_tui.diagnosis.targets import ACCEPT, OnThread

from tests.model.scene import MS, PID, Scene

NEWCOMER = "127.0.0.1:6000"


def loops() -> Scene:
    """Two loops, with a client each."""
    scene = Scene("poll", workers=(11, 12))
    scene.accepts(1, tid=11, by=11)
    scene.accepts(2, tid=12, by=12)
    return scene


def test_the_one_that_does_not_rest() -> None:
    scene = loops()
    scene.does(12, "clock_nanosleep")
    scene.queued = [NEWCOMER]
    for _ in range(8):
        scene.passes(50)
        scene.takes(1, tid=11)
    stall = scene.only()
    assert (stall.target, stall.cause) == (OnThread(PID, 12), Cause.BLOCKED)
    assert stall.culprit
    assert stall.culprit.tid == 12


def test_it_stays_with_whom_it_was_though_the_other_one_blocks_too() -> None:
    scene = loops()
    scene.does(12, "clock_nanosleep")
    scene.queued = [NEWCOMER]
    scene.passes(300)
    scene.does(11, "clock_nanosleep")
    scene.passes(300)
    assert scene.only().target == OnThread(PID, 12)
    scene.queued = []
    scene.say(New(scene.now + MS, PID, 12, 3, NEWCOMER))
    scene.passes(100)
    assert scene.only().end == scene.now - 100 * MS + MS


def test_all_of_them_are_parked_and_not_taken() -> None:
    scene = loops()
    for tid in (11, 12):
        scene.does(tid, "clock_nanosleep")
    scene.queued = [NEWCOMER]
    scene.passes(400)
    stall = scene.only()
    assert (stall.target, stall.cause) == (ACCEPT, Cause.BLOCKED)


def test_while_one_of_those_takes_something_nobody_is_accused() -> None:
    scene = loops()
    for tid in (11, 12):
        scene.does(tid, "")
    scene.queued = [NEWCOMER]
    for _ in range(10):
        scene.passes(50, running=11)
        scene.takes(1, tid=11)
    assert scene.stalls == []


def test_loops_that_all_rest_leave_the_cause_open() -> None:
    scene = loops()
    scene.queued = [NEWCOMER]
    scene.passes(400)
    assert scene.only().cause is Cause.UNCLEAR
