"""Attribution of a stall to a thread, the architecture or the accept queue; where it changes, a new stall begins."""

from echo_servers.records import Block, Recv, Send, Unblock
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.evidence import Frame, Socket
from echo_tui.model.observations import SocketSample

from tests.model.scene import INTERVAL, MS, PID, Scene


def one_thread_stays_with_its_client() -> Scene:
    """Return a scene of one thread that waits for its client while another client is in the accept queue."""
    scene = Scene("accept", "recv")
    scene.accepts(1)
    scene.does(PID, "recvfrom", "127.0.0.1:5001")
    scene.queued = ["127.0.0.1:6000"]
    return scene


def test_each_attribution_has_its_own_stall() -> None:
    """Waiting for its client is attributed to the architecture; sleeping for that client, to the thread."""
    scene = one_thread_stays_with_its_client()
    scene.passes(5000)
    taken = scene.now
    scene.say(Recv(taken, PID, PID, 1, 5, "x"), Block(taken, PID, PID, 1, "sleep", 1.0))
    scene.does(PID, "clock_nanosleep")
    scene.passes(1000)
    scene.say(Unblock(scene.now, PID, PID, 1), Send(scene.now, PID, PID, 1, 5, "x"))
    back = scene.now
    scene.does(PID, "recvfrom", "127.0.0.1:5001")
    scene.passes(2000)
    stays, sleeps, stays_again = scene.stalls
    assert [s.cause for s in scene.stalls] == [Cause.ONE_CLIENT, Cause.BLOCKED, Cause.ONE_CLIENT]
    assert [s.injected for s in scene.stalls] == [False, True, False]
    assert (stays.end, sleeps.end) == (sleeps.begin, stays_again.begin)
    assert (sleeps.begin, sleeps.end) == (taken, back)
    assert [[victim.peer for victim in stall.victims.values()] for stall in scene.stalls] == [scene.queued] * 3
    assert {next(iter(stall.victims.values())).begin for stall in scene.stalls} == {stays.begin}
    assert scene.session.stalls.totals == {Cause.ONE_CLIENT: 1, Cause.BLOCKED: 1}


def test_short_change_of_attribution_makes_no_stall() -> None:
    scene = one_thread_stays_with_its_client()
    for _ in range(20):
        scene.passes(300)
        scene.does(PID, "clock_nanosleep")
        scene.passes(50)
        scene.does(PID, "recvfrom", "127.0.0.1:5001")
    stall = scene.only()
    assert (stall.cause, stall.culprit and stall.culprit.call, stall.end) == (Cause.ONE_CLIENT, "recvfrom", 0)


def test_stall_gets_an_attribution_that_follows_shortly() -> None:
    scene = one_thread_stays_with_its_client()
    scene.passes(50)
    scene.does(PID, "clock_nanosleep")
    scene.passes(1000)
    stall = scene.only()
    assert (stall.cause, stall.begin) == (Cause.BLOCKED, next(iter(stall.victims.values())).begin)


def test_full_queue_is_blamed_while_it_is_full() -> None:
    scene = one_thread_stays_with_its_client()
    scene.passes(2000)
    full = scene.now
    scene.unanswered = ["127.0.0.1:7000"]
    scene.passes(1000)
    scene.unanswered = []
    scene.passes(1000)
    assert [s.cause for s in scene.stalls] == [Cause.ONE_CLIENT, Cause.BACKLOG, Cause.ONE_CLIENT]
    before, during, after = scene.stalls
    assert (during.begin, during.end) == (full + INTERVAL * MS, full + 1000 * MS + INTERVAL * MS)
    assert (before.end, after.begin) == (during.begin, during.end)
    assert (during.unanswered, after.unanswered) == (("127.0.0.1:7000",), ())


def test_unreported_change_of_attribution_splits_the_stall() -> None:
    scene = one_thread_stays_with_its_client()
    scene.say(Block(100 * MS, PID, PID, 1, "sleep", 0.1), Unblock(200 * MS, PID, PID, 1))
    scene.passes(1000)
    turned = scene.now
    scene.does(PID, "clock_nanosleep")
    scene.passes(150)
    scene.does(PID, "recvfrom", "127.0.0.1:5001")
    scene.passes(1000)
    assert [s.cause for s in scene.stalls] == [Cause.ONE_CLIENT, Cause.BLOCKED, Cause.ONE_CLIENT]
    assert [s.number for s in scene.stalls] == [1, 2, 3]
    before, blocked, after = scene.stalls
    assert (before.end, blocked.begin) == (turned + INTERVAL * MS, turned + INTERVAL * MS)
    assert (blocked.end, after.begin) == (turned + 200 * MS, turned + 200 * MS)


def test_one_sample_without_threads_changes_no_attribution() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1)
    queued = Socket("127.0.0.1:6000", 0, 0, False)
    for number in range(60):
        scene.now += INTERVAL * MS
        unanswered = ["127.0.0.1:7000"] if number == 40 else []
        scene.say(SocketSample(scene.now, 1, 128, 0, unanswered, [queued]))
    stall = scene.only()
    assert (stall.number, stall.cause, scene.session.stalls.count) == (1, Cause.ONE_CLIENT, 1)


def test_thread_with_recent_progress_is_busy_with_its_client() -> None:
    scene = one_thread_stays_with_its_client()
    for number in range(200):
        on_a_core = number % 8 < 5
        scene.does(PID, "" if on_a_core else "recvfrom")
        scene.reads(1)
        scene.passes(50, running=PID if on_a_core else 0)
    assert (scene.only().cause, scene.session.stalls.count) == (Cause.ONE_CLIENT, 1)


def test_later_client_is_no_victim_of_an_earlier_stall() -> None:
    scene = one_thread_stays_with_its_client()
    scene.passes(1000)
    scene.does(PID, "clock_nanosleep")
    scene.passes(50)
    scene.queued = ["127.0.0.1:6000", "127.0.0.1:6001"]
    scene.passes(500)
    before, now = scene.stalls
    assert [victim.peer for victim in before.victims.values()] == ["127.0.0.1:6000"]
    assert [victim.peer for victim in now.victims.values()] == scene.queued


def test_stall_keeps_its_number_when_its_attribution_changes() -> None:
    scene = one_thread_stays_with_its_client()
    scene.passes(50)
    scene.does(PID, "clock_nanosleep")
    scene.stacks(PID, Frame("/x/block.py", 26, "sleep"))
    scene.passes(1000)
    stall = scene.only()
    assert (stall.number, scene.session.stalls.count, stall.cause) == (1, 1, Cause.BLOCKED)
