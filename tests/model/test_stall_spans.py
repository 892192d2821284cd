"""Where stalls begin and end: between samples, at reports that come late, and where bytes were read and not echoed."""

from echo_servers.records import Block, Lost, New, Recv, Send, Unblock
from echo_tui.diagnosis.stall import Cause
from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.model.evidence import Frame, Socket
from echo_tui.model.observations import SocketSample
from echo_tui.run import sampling
from hypothesis import given
from hypothesis import strategies as st

from tests.model.scene import INTERVAL, LISTENING, MS, PID, Scene, loop


def test_wait_that_ends_between_samples_can_be_a_stall() -> None:
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    scene.does(PID, "clock_nanosleep")
    scene.passes(100)
    assert scene.stalls == []
    scene.now += 60 * MS
    scene.does(PID, "epoll_wait")
    scene.reads(1)
    scene.passes(50)
    stall = scene.only()
    assert (stall.cause, stall.end - stall.begin) == (Cause.BLOCKED, 110 * MS)
    assert not scene.session.stalls.going


busy = st.lists(
    st.tuples(st.sampled_from(["reads", "arrives", "sleeps", "idles", "passes"]), st.integers(1, 3)), max_size=60
)


@given(busy)
def test_stall_is_a_wait_without_progress(moves: list[tuple[str, int]]) -> None:
    """Each stall lasts for the threshold or longer, nothing is read during it, and its victims wait within it."""
    scene, peers = loop()
    taken = [scene.now]
    arrived: dict[int, int] = {}
    for what, conn in moves:
        peer = peers[conn - 1]
        if what == "reads" and peer in scene.unread:
            taken.append(scene.now)
            scene.reads(conn)
        elif what == "arrives" and peer not in scene.unread:
            arrived[conn] = scene.now + INTERVAL * MS  # seen at the next sample
            scene.unread[peer] = 5
        elif what in ("sleeps", "idles"):
            scene.does(PID, "clock_nanosleep" if what == "sleeps" else "epoll_wait")
        scene.passes(50)
        if scene.threads[PID].call == "epoll_wait":  # an idle loop has read all it can read
            taken.append(scene.now)
    for stall in scene.stalls:
        end = stall.end or scene.now
        assert stall.lasted(scene.now) >= THRESHOLD
        assert not [at for at in taken if stall.begin < at < end]
        assert stall.victims
        assert stall.begin == min(victim.begin for victim in stall.victims.values())
        assert all(stall.begin <= victim.begin for victim in stall.victims.values())
    waited = [scene.now - max(at, taken[-1]) for conn, at in arrived.items() if peers[conn - 1] in scene.unread]
    assert bool(scene.session.stalls.going) == any(wait >= THRESHOLD for wait in waited)


def test_unreported_connection_of_a_busy_loop_waits() -> None:
    scene, _ = loop()
    external = "127.0.0.1:6000"
    scene.unread = {external: 1}
    scene.passes(50)
    assert len(scene.session.connections) == 3, "an idle loop may just have accepted it"
    scene.does(PID, "clock_nanosleep")
    scene.passes(400)
    assert sampling.surely_known(scene.session) is None
    stall = scene.only()
    assert [victim.peer for victim in stall.victims.values()] == [external]
    assert stall.cause is Cause.BLOCKED
    scene.does(PID, "epoll_wait")
    scene.say(New(scene.now, PID, PID, 9, external))
    scene.unread.clear()
    scene.passes(100)
    assert sampling.surely_known(scene.session) is not None
    assert not scene.session.stalls.going


def test_connection_whose_new_record_may_be_lost_does_not_wait() -> None:
    scene, _ = loop()
    scene.passes(50)
    scene.say(Lost(scene.now, PID, 1, 1))
    scene.unread = {"127.0.0.1:6000": 1}
    scene.does(PID, "clock_nanosleep")
    scene.passes(400)
    assert len(scene.session.connections) == 3
    assert scene.stalls == []


def test_long_block_without_victims_is_located_once() -> None:
    scene, _ = loop()
    scene.passes(100)
    scene.say(Block(scene.now, PID, PID, 1, "cpu", 5.0))
    scene.does(PID, "")
    assert not sampling.suspects(scene.session, scene.now)
    scene.passes(100, running=PID)
    assert sampling.suspects(scene.session, scene.now) == {PID}
    scene.stacks(PID, Frame("/x/block.py", 50, "cpu"))
    scene.passes(1000, running=PID)
    assert not sampling.suspects(scene.session, scene.now)
    assert not scene.stalls


def test_unjudged_sample_opens_no_stall() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    for _ in range(10):
        scene.now += INTERVAL * MS
        sample = SocketSample(scene.now, 0, 128, 0, [], [Socket(peers[0], 5, 0, True)], judged=False)
        scene.say(sample)
    assert scene.stalls == []
    assert scene.session.connections[1].unread == 5, "the numbers are still valid"


def test_client_leaving_the_queue_does_not_end_the_stall() -> None:
    scene = Scene("accept", "recv")
    scene.does(PID, "recvfrom", scene.accepts(1))
    scene.queued = ["127.0.0.1:6000", "127.0.0.1:6001"]
    scene.passes(500)
    scene.queued = ["127.0.0.1:6001"]
    scene.passes(500)
    stall = scene.only()
    assert not stall.end
    ends = {victim.peer: bool(victim.end) for victim in stall.victims.values()}
    assert ends == {"127.0.0.1:6000": True, "127.0.0.1:6001": False}


def test_sleep_begins_after_the_last_reported_progress() -> None:
    """After one sleep comes another in the same system call: only a `Recv` record shows that the thread woke up."""
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.passes(2000)
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"))
    second = scene.now
    scene.stack_sampled(PID)
    scene.passes(500)
    state = scene.session.threads.known[PID, PID]
    assert scene.session.at_it_since(state) == second
    scene.stack_sampled(PID)
    scene.passes(500)
    assert scene.session.at_it_since(state) == second, "sampling its stack is no progress"
    assert peers


def test_stack_of_an_earlier_sleep_is_not_used() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.passes(1000)
    scene.stacks(PID, Frame("/x/first.py", 1, "first"))
    scene.say(Recv(scene.now + MS, PID, PID, 1, 5, "x"))
    scene.stack_sampled(PID)
    scene.now += 2 * MS
    scene.unread = {peers[1]: 5}
    scene.passes(300)
    culprit = scene.only().culprit
    assert culprit
    assert not culprit.frames


def test_bytes_read_in_a_turn_wait_while_the_loop_is_blocked() -> None:
    scene, peers = loop()
    scene.say(LISTENING)
    scene.passes(500)
    came = scene.now
    scene.say(Recv(came, PID, PID, 1, 5, "x"), Block(came, PID, PID, 1, "sleep", 1.0))
    scene.does(PID, "clock_nanosleep")
    scene.passes(100)
    assert set(peers) <= set(sampling.wanted(scene.session)), "what they have sent is asked for"
    scene.received = dict.fromkeys(peers, (5, came))
    scene.passes(400)
    stall = scene.only()
    assert {victim.peer for victim in stall.victims.values()} == set(peers[1:]), "the first client's bytes are reported"
    assert (stall.cause, stall.injected, stall.begin) == (Cause.BLOCKED, True, came)
    scene.does(PID, "epoll_wait")
    scene.passes(50)
    assert stall.end


def test_progressing_loop_is_not_queried_for_bytes_read() -> None:
    scene, peers = loop()
    scene.say(LISTENING)
    scene.does(PID, "")
    for _ in range(20):
        scene.reads(1)
        scene.passes(50, running=PID)
        assert not set(peers) & set(sampling.wanted(scene.session))
        assert sampling.others_than(scene.session) is None


def test_missing_echo_waits_for_the_gil_until_it_is_sent() -> None:
    scene = Scene("accept", "recv")
    for conn in (1, 2):
        scene.accepts(conn, tid=10 + conn)
        scene.say(Recv(scene.now, PID, 10 + conn, conn, 5, "x"), Block(scene.now, PID, 10 + conn, conn, "c-gil", 1.0))
    scene.does(11, "futex", gil=True)  # its own call is over, but it needs the GIL to report that
    scene.does(12, "futex")
    scene.passes(1000)
    stall = scene.only()
    assert (stall.cause, stall.culprit and stall.culprit.tid) == (Cause.GIL, 12)
    assert [victim.peer for victim in stall.victims.values()] == ["127.0.0.1:5001"]
    sent = scene.now + MS
    scene.say(Unblock(sent, PID, 11, 1), Send(sent, PID, 11, 1, 5, "x"))
    scene.does(11, "recvfrom")
    scene.passes(100)
    assert stall.end == sent


def test_clients_in_their_own_blocking_calls_are_no_victims() -> None:
    scene = Scene("accept", "recv")
    for conn in (1, 2):
        scene.accepts(conn, tid=10 + conn)
        scene.say(Recv(scene.now, PID, 10 + conn, conn, 5, "x"), Block(scene.now, PID, 10 + conn, conn, "cpu", 1.0))
    scene.does(11, "futex", gil=True)
    scene.does(12, "")
    scene.passes(1000, running=12)
    assert scene.stalls == []
