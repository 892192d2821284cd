"""Stalls: what is one, who waits, who is to blame and why; and what is none."""

import copy
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.session.freeze import snapshot
from app.session.observations import (
    Frame,
    Observation,
    ServerExited,
    ServerStarted,
    Socket,
    SocketSample,
    Stack,
    StackSample,
    Thread,
    ThreadSample,
)
from app.session.session import Session
from app.session.stall import SENTENCES, Cause, Stall
from app.session.stalls import THRESHOLD
from servers.records import Block, Bye, Echo, Lost, New, Recv, Send, Serve, Unblock, Worker

MS = 1_000_000
PID = 7
LOOK = 50


class Scene:
    """A server that is looked at twenty times a second, with one thread's state at a time made up by the test."""

    def __init__(self, *rests: str, workers: Iterable[int] = (PID,)) -> None:
        self.session = Session()
        self.now = 1000 * MS
        self.unread: dict[str, int] = {}
        self.queued: list[str] = []
        self.unanswered: list[str] = []
        self.threads: dict[int, Thread] = {}
        self.shown: dict[int, Thread] = {}
        self.say(ServerStarted(self.now, "made-up", PID, "127.0.0.1", 1, list(rests)))
        for tid in workers:
            self.say(Worker(self.now, PID, tid, f"worker {tid}"))
            self.does(tid, "epoll_wait" if "poll" in rests else "accept4")

    def say(self, *observations: Observation) -> None:
        self.session.apply_all(observations)

    def accepts(self, conn: int, tid: int = PID, by: int = PID) -> str:
        peer = f"127.0.0.1:{5000 + conn}"
        self.say(New(self.now, PID, by, conn, peer))
        if by != tid:
            self.say(Serve(self.now, PID, tid, conn))
        return peer

    def takes(self, conn: int, tid: int = PID) -> None:
        self.unread.pop(f"127.0.0.1:{5000 + conn}", None)
        self.say(Echo(self.now, PID, tid, conn, 5, "x", 1))

    def does(self, tid: int, call: str, peer: str = "", gil: bool = False) -> None:
        before = self.threads.get(tid)
        ran, delayed = (before.ran, before.delayed) if before else (0, 0)
        self.threads[tid] = Thread(PID, tid, "t", call, peer, gil, ran, delayed, None, None)

    def passes(self, ms: int, running: int = 0, starving: int = 0) -> None:
        """Time passes; one thread may be on a core, or wait for one."""
        for _ in range(ms // LOOK):
            self.now += LOOK * MS
            if thread := self.threads.get(running):
                thread.ran += LOOK * MS
            if thread := self.threads.get(starving):
                thread.delayed += LOOK * MS
            seen = [copy.copy(t) for tid, t in self.threads.items() if t != self.shown.get(tid)]
            self.shown.update({thread.tid: thread for thread in seen})
            self.say(ThreadSample(self.now, seen, [], len(self.threads), LOOK * MS))
            sockets = [Socket(peer, size, 0, True) for peer, size in self.unread.items()]
            sockets += [Socket(peer, 0, 0, False) for peer in self.queued]
            self.say(SocketSample(self.now, len(self.queued), 128, 0, self.unanswered, sockets))

    def stacks(self, tid: int, *frames: Frame) -> None:
        self.say(StackSample(self.now, PID, [Stack(tid, list(frames))]))

    @property
    def stalls(self) -> list[Stall]:
        return list(self.session.stalls.all)

    def only(self) -> Stall:
        (stall,) = self.stalls
        return stall


def loop() -> tuple[Scene, list[str]]:
    """An event loop with three clients."""
    scene = Scene("poll")
    return scene, [scene.accepts(conn) for conn in (1, 2, 3)]


def test_a_loop_that_sleeps() -> None:
    scene, peers = loop()
    scene.passes(500)
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now, PID, PID, 1, "sleep", 2.0))
    begin = scene.now
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[1]: 5, peers[2]: 7}
    scene.passes(100)
    assert scene.stalls == [], "not yet: it has only been seen for half that time"
    assert scene.session.stalls.suspects == {PID}, "but its lines are worth a look"
    scene.stacks(PID, Frame("/x/block.py", 22, "sleep"), Frame("/x/handler.py", 11, "data_received"))
    scene.passes(100)
    stall = scene.only()
    assert (stall.cause, stall.injected, stall.end) == (Cause.PARKED, True, 0)
    assert stall.begin == begin + LOOK * MS, "when it was first seen, for the kernel's own clock was not asked"
    assert {victim.peer for victim in stall.victims.values()} == set(peers[1:])
    assert stall.culprit
    assert (stall.culprit.tid, stall.culprit.call, stall.culprit.where) == (
        PID,
        "clock_nanosleep",
        Frame("/x/block.py", 22, "sleep"),
    )
    scene.passes(1000)
    scene.say(Unblock(scene.now, PID, PID, 1), Send(scene.now, PID, PID, 1, 5, "x"))
    ended = scene.now = scene.now + 3 * MS
    scene.does(PID, "epoll_wait")
    scene.takes(2)
    scene.now += MS
    scene.takes(3)
    scene.passes(200)
    assert scene.only() is stall
    assert stall.end == ended
    assert [victim.end for victim in stall.victims.values()] == [ended, ended + MS]
    assert scene.session.stalls.totals == {Cause.PARKED: 1}
    assert not scene.session.stalls.going


def test_one_after_the_other_is_two_stalls() -> None:
    scene, peers = loop()
    scene.unread = {peers[1]: 5, peers[2]: 5}
    scene.does(PID, "clock_nanosleep")
    scene.passes(500)
    scene.takes(2)
    taken = scene.now
    scene.passes(500)
    first, second = scene.stalls
    assert (first.end, second.begin, second.end) == (taken, taken, 0)
    assert [victim.peer for victim in second.victims.values()] == [peers[2]]


@pytest.mark.parametrize("rests", ["poll", "recv"])
def test_how_long_it_has_waited_is_the_kernels_word(rests: str) -> None:
    scene = Scene(rests)
    peer = scene.accepts(1)
    scene.passes(500)
    scene.does(PID, "clock_nanosleep")
    scene.say(SocketSample(scene.now, 0, 128, 0, [], [Socket(peer, 5, 0, True, 90)]))
    scene.unread = {peer: 5}
    scene.passes(50)
    assert scene.only().begin == scene.now - 140 * MS


@pytest.mark.parametrize(
    ("call", "running", "starving", "cause"),
    [
        ("clock_nanosleep", 0, 0, Cause.PARKED),
        ("futex", 0, 0, Cause.PARKED),
        ("system call 999", 0, 0, Cause.PARKED),
        ("", PID, 0, Cause.COMPUTING),
        ("", 0, PID, Cause.NO_CORE),
        ("", 0, 0, Cause.NO_CORE),
        ("sendto", 0, 0, Cause.NOT_READING),
        ("epoll_wait", 0, 0, Cause.UNCLEAR),
    ],
)
def test_the_cause(call: str, running: int, starving: int, cause: Cause) -> None:
    scene, peers = loop()
    scene.unread = {peers[1]: 5}
    scene.does(PID, call)
    scene.passes(600, running, starving)
    assert scene.only().cause is cause
    assert not scene.only().injected
    assert SENTENCES[cause]


def test_who_waits_for_the_gil_and_who_has_it() -> None:
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


def test_all_workers_of_a_pool_are_taken() -> None:
    scene = Scene("accept", "recv", workers=(11, 12))
    for conn, tid in ((1, 11), (2, 12)):
        scene.does(tid, "recvfrom", scene.accepts(conn, tid=tid, by=tid))
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(300)
    scene.takes(1, tid=11)
    scene.passes(300)
    stall = scene.only()
    assert (stall.cause, stall.injected, len(stall.victims)) == (Cause.ALL_TAKEN, False, 1)
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
        scene.takes(1)
    stall = scene.only()
    assert stall.cause is Cause.ONE_CLIENT
    assert stall.culprit
    assert stall.culprit.call == "recvfrom"


def test_a_full_backlog() -> None:
    scene = Scene("accept", "recv")
    scene.does(PID, "recvfrom", scene.accepts(1))
    scene.queued = [f"127.0.0.1:{6000 + n}" for n in range(3)]
    scene.unanswered = ["127.0.0.1:6010"]
    scene.passes(200)
    stall = scene.only()
    assert (stall.cause, stall.unanswered) == (Cause.BACKLOG, ["127.0.0.1:6010"])


def test_a_server_that_is_quiet_or_slow_but_goes_on_does_not_stall() -> None:
    scene, peers = loop()
    scene.passes(5000)
    scene.does(PID, "clock_nanosleep")
    scene.passes(1000)
    assert scene.stalls == [], "away from its rest, and nobody waits"
    scene.unread = dict.fromkeys(peers, 100_000)
    for number in range(60):
        scene.passes(50)
        scene.takes(number % 3 + 1)
        scene.unread = dict.fromkeys(peers, 100_000)
    assert scene.stalls == [], "everybody waits, and somebody is served all the time"


def test_a_reader_that_takes_less_than_comes_is_no_stall() -> None:
    scene, peers = loop()
    for size in range(100, 50, -1):
        scene.unread = {peers[0]: size}
        scene.passes(50)
    assert scene.stalls == [], "its bytes become fewer, so they are taken, whatever is told of it"


def test_what_may_have_been_told_and_lost_accuses_nobody() -> None:
    scene, peers = loop()
    scene.unread = {peers[0]: 5}
    for _ in range(20):
        scene.passes(50)
        scene.say(Lost(scene.now, PID, PID, events=9, recv=9))
    assert scene.stalls == []


def test_one_who_leaves_waits_no_more_and_the_end_ends_all() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = dict.fromkeys(peers[:2], 5)
    scene.passes(300)
    left = scene.now
    scene.say(Bye(left, PID, PID, 1, "ConnectionResetError"))
    stall = scene.only()
    assert stall.victims[1].end == left
    scene.say(ServerExited(scene.now, PID, -9, False))
    assert not scene.session.stalls.going
    assert all(each.end for each in scene.stalls)
    assert not scene.session.threads.known


def test_a_picture_of_a_stall_stands_still() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    scene.passes(300)
    still = snapshot(scene.session)
    (kept,) = still.stalls.going.values()
    assert kept in still.stalls.all
    scene.takes(1)
    scene.passes(100)
    assert not kept.end
    assert scene.only().end
    assert len(still.stalls.going) == 1


busy = st.lists(
    st.tuples(st.sampled_from(["takes", "arrives", "sleeps", "rests", "looks"]), st.integers(1, 3)), max_size=60
)


@given(busy)
def test_a_stall_is_a_wait_in_which_nothing_was_taken(moves: list[tuple[str, int]]) -> None:
    """Whatever happens: each stall is long enough, nothing was taken in it, and its victims waited in it."""
    scene, peers = loop()
    taken = [scene.now]
    arrived: dict[int, int] = {}
    for what, conn in moves:
        peer = peers[conn - 1]
        if what == "takes" and peer in scene.unread:
            taken.append(scene.now)
            scene.takes(conn)
        elif what == "arrives" and peer not in scene.unread:
            arrived[conn] = scene.now + LOOK * MS  # then it is seen
            scene.unread[peer] = 5
        elif what in ("sleeps", "rests"):
            scene.does(PID, "clock_nanosleep" if what == "sleeps" else "epoll_wait")
        scene.passes(50)
    for stall in scene.stalls:
        end = stall.end or scene.now
        assert stall.lasted(scene.now) >= THRESHOLD
        assert not [at for at in taken if stall.begin < at < end]
        assert stall.victims
        assert stall.begin == min(victim.begin for victim in stall.victims.values())
        assert all(stall.begin <= victim.begin for victim in stall.victims.values())
    waited = [scene.now - max(at, taken[-1]) for conn, at in arrived.items() if peers[conn - 1] in scene.unread]
    assert bool(scene.session.stalls.going) == any(wait >= THRESHOLD for wait in waited)


def test_while_not_all_is_known_nobody_is_accused() -> None:
    scene, peers = loop()
    scene.does(PID, "clock_nanosleep")
    scene.unread = {peers[0]: 5}
    for _ in range(10):
        scene.now += LOOK * MS
        sample = SocketSample(scene.now, 0, 128, 0, [], [Socket(peers[0], 5, 0, True)], judged=False)
        scene.say(sample)
    assert scene.stalls == []
    assert scene.session.connections[1].unread == 5, "the figures are true all the same"


def test_one_who_gives_up_in_the_queue_does_not_end_the_stall_of_the_others() -> None:
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


def test_a_worker_that_waits_for_the_gil_with_nothing_in_hand_keeps_nobody_waiting() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1, tid=11)
    scene.accepts(2, tid=12)
    scene.takes(1, tid=11)
    scene.does(11, "futex", gil=True)
    scene.does(12, "")
    scene.passes(800, running=12)
    assert scene.stalls == []
