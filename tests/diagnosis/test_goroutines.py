"""Which goroutine is blamed for a stall of a Go program; none if the evidence leaves several."""

from typing import Any

import pytest
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.evidence import LISTENER, Frame, Goroutine
from echo_tui.model.observations import StackSample

from tests.model.scene import PID, Scene, loop

SLEEP = Frame("go:runtime/time.go", 368, "time.Sleep")
GATE, EXPORT = Frame("/src/main.go", 20, "main.serve"), Frame("/src/main.go", 30, "main.export")
PAST = Frame("/src/main.go", 21, "main.serve")
QUIT = Frame("/src/main.go", 90, "main.main")


def goroutine(
    number: int, *frames: Frame, waits: str = "sleep", refers_to: tuple[str, ...] = (), **more: Any
) -> Goroutine:
    return Goroutine(number, more.pop("tid", 0), (SLEEP, *frames), waits, refers_to, **more)


def stalled(*found: Goroutine, unread: tuple[int, ...] = (0,)) -> Scene:
    """Return a stalled Go program with three clients, some of which wait, after its goroutines were read."""
    scene, peers = loop()
    scene.threads[PID].parks = True
    scene.passes(100)
    scene.unread = {peers[number]: 5 for number in unread}
    scene.passes(200)
    scene.say(StackSample(scene.now, PID, [], 0, list(found)))
    scene.passes(100)
    return scene


def blamed(scene: Scene) -> tuple[int, Cause] | None:
    stall = scene.only()
    return (stall.culprit.where.line, stall.cause) if stall.culprit and stall.culprit.where else None


FIRST, SECOND = "127.0.0.1:5001", "127.0.0.1:5002"


def test_cause_is_unclear_before_goroutines_are_read() -> None:
    scene = stalled()
    assert (scene.only().cause, scene.only().culprit) == (Cause.UNCLEAR, None)
    assert scene.session.stalls.suspects == {PID}, "its goroutines are requested"


def test_goroutine_that_serves_the_victim_is_blamed() -> None:
    others = goroutine(1, QUIT, waits="chan-receive"), goroutine(3, GATE, refers_to=(SECOND,))
    scene = stalled(*others, goroutine(2, EXPORT, PAST, refers_to=(FIRST,)))
    assert blamed(scene) == (30, Cause.BLOCKED)
    culprit = scene.only().culprit
    assert culprit
    assert (culprit.tid, culprit.name, culprit.call) == (PID, "goroutine 2", "sleep")
    assert scene.session.stalls.suspects == set(), "the line is known"


def test_no_goroutine_of_several_is_blamed() -> None:
    found = goroutine(2, EXPORT, refers_to=(FIRST,)), goroutine(3, GATE, refers_to=(SECOND,))
    assert blamed(stalled(*found, unread=(0, 1))) is None
    assert blamed(stalled(goroutine(2, EXPORT), goroutine(3, QUIT, waits="chan-receive"))) is None


def test_only_active_goroutine_is_blamed() -> None:
    idle = goroutine(3, PAST, waits="io-wait", polls=SECOND, reads=True)
    accepts = goroutine(4, QUIT, waits="io-wait", polls=LISTENER, reads=True)
    assert blamed(stalled(goroutine(2, EXPORT), idle, accepts)) == (30, Cause.BLOCKED)


def test_goroutine_past_the_lock_is_blamed() -> None:
    waiting = goroutine(2, GATE, waits="sync.Mutex.Lock", refers_to=(FIRST,))
    owner, quits = goroutine(3, EXPORT, PAST, refers_to=(SECOND,)), goroutine(1, QUIT, waits="chan-receive")
    assert blamed(stalled(waiting, owner, quits)) == (30, Cause.BLOCKED)
    assert blamed(stalled(waiting, goroutine(3, EXPORT, refers_to=(SECOND,)), quits)) == (20, Cause.LOCK)


def test_client_that_does_not_read_is_the_cause() -> None:
    assert (
        stalled(goroutine(2, PAST, waits="io-wait", polls=FIRST, refers_to=(FIRST,))).only().cause is Cause.NOT_READING
    )


def test_victim_that_is_about_to_be_read_has_no_culprit() -> None:
    found = goroutine(2, PAST, waits="io-wait", polls=FIRST, reads=True), goroutine(3, EXPORT, refers_to=(SECOND,))
    assert blamed(stalled(*found)) is None


def test_queued_clients_wait_for_the_goroutine_with_the_listener() -> None:
    scene = stalled(unread=())
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(200)
    one = goroutine(1, EXPORT, QUIT, refers_to=(LISTENER, FIRST))
    scene.say(StackSample(scene.now, PID, [], 0, [one, goroutine(2, GATE)]))
    scene.passes(100)
    assert blamed(scene) == (30, Cause.BLOCKED)


def test_waiting_for_one_client_is_the_cause() -> None:
    scene = stalled(unread=())
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(200)
    one = goroutine(1, PAST, QUIT, waits="io-wait", polls=FIRST, reads=True, refers_to=(LISTENER,))
    scene.say(StackSample(scene.now, PID, [], 0, [one]))
    scene.passes(100)
    assert (scene.only().cause, scene.only().culprit) == (Cause.ONE_CLIENT, None)


def test_running_goroutine_has_a_thread_and_no_line() -> None:
    scene = stalled(Goroutine(2, PID, ()))
    culprit = scene.only().culprit
    assert culprit
    assert (culprit.tid, culprit.where) == (PID, None)


@pytest.mark.parametrize("ms", [50, 500])
def test_goroutines_read_before_the_stall_are_ignored(ms: int) -> None:
    scene = stalled(unread=())
    scene.say(StackSample(scene.now, PID, [], 0, [goroutine(2, EXPORT, refers_to=(FIRST,))]))
    scene.passes(ms)
    scene.unread = {FIRST: 5}
    scene.passes(300)
    assert scene.only().culprit is None


def test_goroutine_without_frames_may_be_the_culprit() -> None:
    """Therefore the other one is not blamed, although it is the only one with a line."""
    assert blamed(stalled(goroutine(3, EXPORT), Goroutine(2, 0, ()))) is None
    assert stalled(Goroutine(2, 0, ())).only().culprit is None


def test_runnable_goroutine_is_computing() -> None:
    assert blamed(stalled(goroutine(2, EXPORT, waits="runnable", refers_to=(FIRST,)))) == (30, Cause.COMPUTING)
