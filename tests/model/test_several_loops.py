"""Several loops that accept: which one is to blame for a connection that none of them accepts."""

from echo_servers.records import New
from echo_tui.diagnosis.stall import Cause
from echo_tui.diagnosis.targets import ACCEPT, OnThread

from tests.model.scene import MS, PID, Scene

NEWCOMER = "127.0.0.1:6000"


def loops() -> Scene:
    """Return a scene of two loops with a client each."""
    scene = Scene("poll", workers=(11, 12))
    scene.accepts(1, tid=11, by=11)
    scene.accepts(2, tid=12, by=12)
    return scene


def test_loop_that_is_not_idle_is_blamed() -> None:
    scene = loops()
    scene.does(12, "clock_nanosleep")
    scene.queued = [NEWCOMER]
    for _ in range(8):
        scene.passes(50)
        scene.reads(1, tid=11)
    stall = scene.only()
    assert (stall.target, stall.cause) == (OnThread(PID, 12), Cause.BLOCKED)
    assert stall.culprit
    assert stall.culprit.tid == 12


def test_blame_stays_when_the_other_loop_blocks_too() -> None:
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


def test_all_loops_blocked() -> None:
    scene = loops()
    for tid in (11, 12):
        scene.does(tid, "clock_nanosleep")
    scene.queued = [NEWCOMER]
    scene.passes(400)
    stall = scene.only()
    assert (stall.target, stall.cause) == (ACCEPT, Cause.BLOCKED)


def test_no_stall_while_one_loop_makes_progress() -> None:
    scene = loops()
    for tid in (11, 12):
        scene.does(tid, "")
    scene.queued = [NEWCOMER]
    for _ in range(10):
        scene.passes(50, running=11)
        scene.reads(1, tid=11)
    assert scene.stalls == []


def test_cause_is_unclear_when_all_loops_are_idle() -> None:
    scene = loops()
    scene.queued = [NEWCOMER]
    scene.passes(400)
    assert scene.only().cause is Cause.UNCLEAR
