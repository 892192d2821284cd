"""Which line of code a stall is blamed on, and when a known line becomes invalid."""

import pytest
from echo_servers.records import Block
from echo_tui.diagnosis.stall import Cause, Stall, is_own
from echo_tui.diagnosis.targets import OnThread
from echo_tui.model.evidence import Frame, Stack
from echo_tui.model.observations import StackSample

from tests.model.scene import PID, Scene, loop

BLOCK, HANDLER = Frame("/x/block.py", 26, "sleep"), Frame("/x/handler.py", 9, "compute")


def line(stall: Stall) -> Frame | None:
    return stall.culprit.where if stall.culprit else None


def test_full_backlog_keeps_the_known_line() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread, scene.queued, scene.unanswered = {peers[1]: 5}, ["127.0.0.1:6000"], ["127.0.0.1:6010"]
    scene.passes(150)
    scene.stacks(PID, BLOCK)
    for _ in range(10):
        scene.passes(50)
        assert not scene.session.stalls.suspects, "no stack is requested again"
    assert (scene.only().cause, line(scene.only())) == (Cause.BACKLOG, BLOCK)


def test_line_of_a_finished_call_is_not_reused_for_computing() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[1]: 5}
    scene.passes(150)
    scene.stacks(PID, BLOCK)
    scene.passes(50)
    assert line(scene.only()) == BLOCK
    scene.does(PID, "")
    scene.passes(500, running=PID)
    assert PID in scene.session.stalls.suspects
    scene.stacks(PID, HANDLER)
    scene.passes(50, running=PID)
    assert (scene.only().cause, line(scene.only())) == (Cause.COMPUTING, HANDLER)


def test_line_sampled_before_the_stall_is_not_queried_again() -> None:
    """The thread has not left its call since."""
    scene = Scene("accept", "recv")
    peer = scene.accepts(1, tid=11)
    scene.does(11, "clock_nanosleep")
    scene.passes(100)
    scene.stacks(11, BLOCK)
    scene.passes(2000)
    scene.unread = {peer: 5}
    scene.passes(200)
    assert (scene.only().cause, line(scene.only())) == (Cause.BLOCKED, BLOCK)


def test_own_block_is_not_blamed_on_another_thread() -> None:
    """A C call may be in the futex system call, like a thread that waits for a lock."""
    scene = Scene("accept", "recv")
    scene.accepts(1, tid=11)
    peer = scene.accepts(2, tid=12)
    scene.does(11, "clock_nanosleep")
    scene.does(12, "futex")
    scene.say(Block(scene.now, PID, 12, 2, "c-call", 4.0))
    scene.unread = {peer: 5}
    scene.passes(100)
    waits = Frame("/x/block.py", 90, "c_call")
    scene.say(StackSample(scene.now, PID, [Stack(11, [BLOCK]), Stack(12, [waits])]))
    scene.passes(200)
    (stall,) = (stall for stall in scene.stalls if stall.target == OnThread(PID, 12))
    assert (stall.cause, stall.injected, line(stall)) == (Cause.BLOCKED, True, waits)


def test_records_alone_show_that_all_workers_are_busy() -> None:
    scene = Scene("accept", "recv", workers=(11, 12))
    scene.accepts(1, tid=11, by=11)
    scene.accepts(2, tid=12, by=12)
    scene.threads.clear()
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(300)
    assert not scene.session.threads.known
    assert scene.only().cause is Cause.ALL_WORKERS_BUSY


def test_stopped_thread_is_not_busy_with_its_client() -> None:
    scene = Scene("accept", "recv")
    scene.does(PID, "recvfrom", scene.accepts(1))
    scene.passes(100)
    scene.threads[PID].stopped = True
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(400)
    assert scene.only().cause is Cause.STOPPED


def test_stopped_thread_outweighs_earlier_idle_samples() -> None:
    """Whether a thread is stopped is read only once a second."""
    scene = Scene("accept", "recv")
    peer = scene.accepts(1)
    scene.does(PID, "recvfrom", peer)
    scene.unread = {peer: 5}
    scene.passes(900)
    assert scene.only().cause is Cause.UNCLEAR
    scene.threads[PID].stopped = True
    scene.passes(50)
    assert scene.only().cause is Cause.STOPPED


def test_reporting_code_is_not_the_culprits_line() -> None:
    scene, peers = loop()
    scene.does(PID, "")
    scene.unread = {peers[1]: 5}
    scene.passes(150, running=PID)
    scene.stacks(PID, Frame("/x/echo_servers/piped.py", 172, "_write_out"), HANDLER)
    scene.passes(50, running=PID)
    assert line(scene.only()) == HANDLER


def test_thread_that_has_long_been_idle_does_not_have_the_gil() -> None:
    scene = Scene("accept", "recv", workers=())
    peers = [scene.accepts(conn, tid=10 + conn) for conn in (1, 2)]
    for tid in (11, 12):
        scene.does(tid, "recvfrom")
    scene.does(21, "futex")
    scene.passes(500)
    scene.stacks(21, Frame("/usr/lib/python3.11/threading.py", 1, "wait"))
    scene.received[peers[1]] = (5, scene.now)
    scene.does(11, "")
    scene.does(12, "futex", gil=True)
    scene.passes(1000, running=11)
    stall = scene.only()
    assert (stall.cause, stall.culprit and stall.culprit.tid) == (Cause.GIL, 11)


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("/env/lib/python3.11/site-packages/echo_servers/patterns/asyncio_protocol.py", True),
        ("/env/lib/python3.11/site-packages/echo_servers/block.py", True),
        ("/checkout/servers/echo_servers/echo.py", True),
        ("/env/lib/python3.11/site-packages/echo_servers/native.py", False),
        ("/checkout/servers/echo_servers/piped.py", False),
        ("/env/lib/python3.11/site-packages/eventlet/hubs/hub.py", False),
        ("/usr/lib/python3.11/selectors.py", False),
    ],
)
def test_pattern_is_own_code_wherever_it_is_installed(file: str, own: bool) -> None:
    assert is_own(Frame(file, 1, "f")) is own
