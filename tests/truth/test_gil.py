"""What the session says of real threads that want the GIL of one that keeps it, against what the test has measured."""

import time
from itertools import pairwise
from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Cause, Culprit, Stall
from echo_tui.observers.threads import MOST

from tests.crossed import seldom
from tests.truth.watch import Caller, Watch, during_a_block, heard, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SECONDS = 0.7


def kept(watch: Watch) -> tuple[Stall, Culprit, str]:
    """C code for one client keeps the GIL while two others send: the stall, who is to blame, and its client."""
    sender, *others = (watch.connect() for _ in range(3))
    watch.until(lambda: watch.session.totals.new == 3, "all are accepted")
    during_a_block(watch, sender, others)
    stall = max(watch.stalls, key=lambda stall: stall.lasted(0))
    assert (stall.cause, stall.injected) == (Cause.GIL, True)
    assert {other.name for other in others} <= {victim.peer for victim in stall.victims.values()}
    assert watch.is_close(stall.begin, others[0].sent_at)
    assert watch.is_close(stall.end, min(other.echo_at for other in others))
    assert stall.culprit
    assert stall.culprit.where
    assert stall.culprit.where.function == "c_gil"
    return stall, stall.culprit, sender.name


@pytest.mark.parametrize("pattern", ["multithread", "thread-pool"])
def test_a_thread_that_keeps_the_gil(pattern: str) -> None:
    with watching(pattern, BlockSetting("c-gil", SECONDS)) as watch:
        stall, culprit, sender = kept(watch)
        its_own = [victim.begin for victim in stall.victims.values() if victim.peer == sender]
        assert all(watch.is_close(begin, stall.end) for begin in its_own), "once its call is over, it may want the GIL"
        held = [w for w in watch.session.workers.values() if any(c.peer == sender for c in w.serving.values())]
        assert [worker.tid for worker in held] == [culprit.tid], "the thread of the client that blocks"


@pytest.mark.parametrize("pattern", ["asyncio-to-thread", "eventlet-tpool"])
def test_a_thread_that_serves_nobody_keeps_the_gil_from_the_loop(pattern: str) -> None:
    with watching(pattern, BlockSetting("c-gil", SECONDS)) as watch:
        _, culprit, _ = kept(watch)
        assert (culprit.pid, culprit.tid) not in watch.session.workers


@pytest.mark.parametrize("pattern", seldom(["multithread", "thread-pool"], "multithread"))
def test_a_newcomer_whom_the_server_cannot_speak_of(pattern: str) -> None:
    """A thread has accepted it, and then wants the GIL."""
    with watching(pattern, BlockSetting("c-gil", 2 * SECONDS)) as watch:
        sender = watch.connect()
        watch.until(lambda: watch.session.totals.new == 1, "it is accepted")
        watch.arm()
        sender.send()
        watch.until(lambda: watch.session.blocks.running, "the block")
        newcomer = watch.connect()
        newcomer.send()
        watch.until(lambda: watch.session.stalls.going, "a stall while it goes on")
        (stall,) = watch.session.stalls.going.values()
        assert [victim.peer for victim in stall.victims.values()] == [newcomer.name]
        watch.until(lambda: stall.cause is Cause.GIL and stall.located_at, "why, and the line")
        assert stall.culprit
        assert stall.culprit.where
        assert stall.culprit.where.function == "c_gil"
        assert watch.is_close(stall.begin, newcomer.sent_at)
        watch.until(newcomer.listen, "its echo")


def are_sampled(watch: Watch, *callers: Caller) -> bool:
    """Whether the threads of these clients are sampled often; the first sample of so many threads costs much more."""
    names, threads = {caller.name for caller in callers}, watch.session.threads
    keys = {(c.pid, c.tid) for c in watch.session.connections.values() if c.peer in names}
    return keys <= threads.known.keys() and (threads.interval or SECONDS * 1e9) < SECONDS * 1e9 / 2


def test_the_newest_of_many_threads() -> None:
    """Not all of so many threads are sampled, but those are that have served somebody last."""
    with watching("multithread", BlockSetting("c-gil", 3 * SECONDS)) as watch:
        silent = [watch.connect() for _ in range(MOST + 20)]
        sender, other = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == len(silent) + 2, "all are accepted")
        sender.talk()
        other.talk()
        watch.until(lambda: are_sampled(watch, sender, other), "their threads are sampled as often as others")
        during_a_block(watch, sender, [other])
        stall = max(watch.stalls, key=lambda stall: stall.lasted(0))
        assert stall.cause is Cause.GIL
        assert [victim.peer for victim in stall.victims.values()] == [other.name]
        assert watch.is_close(stall.begin, other.sent_at)
        assert watch.is_close(stall.end, other.echo_at)


def test_a_newcomer_that_says_nothing_waits_to_be_greeted() -> None:
    """The accept that waits takes it out of the queue, and its thread wants the GIL to say so."""
    with watching("multithread", BlockSetting("c-gil", 3 * SECONDS)) as watch:
        sender = watch.connect()
        watch.until(lambda: watch.session.totals.new == 1, "it is accepted")
        watch.passes(0.5)
        watch.arm()
        sender.send()
        watch.until(lambda: watch.session.blocks.running, "the block")
        watch.arm(False)
        newcomer, connected = watch.connect(), time.monotonic_ns()
        watch.until(lambda: watch.session.stalls.going, "a stall")
        (stall,) = watch.session.stalls.going.values()
        assert watch.session.blocks.running, "found while it lasts"
        assert [victim.peer for victim in stall.victims.values()] == [newcomer.name]
        watch.until(lambda: stall.cause is Cause.GIL and stall.culprit, "why")
        watch.until(lambda: sender.listen() and not watch.session.stalls.going, "its end")
        assert watch.is_close(stall.end, sender.echo_at)
        assert stall.begin >= connected - 1_000_000


def all_at_once(watch: Watch, messages: int) -> list[Caller]:
    """Three clients, each of which sends so many messages that block; until the last echo is there."""
    callers = [watch.connect() for _ in range(3)]
    watch.until(lambda: watch.session.totals.new == 3, "all are accepted")
    watch.arm()
    for _ in range(messages):
        for caller in callers:
            caller.send()
        watch.until(lambda: watch.session.blocks.running, "a block")

    watch.until(lambda: heard(*callers), "every echo")
    watch.until(lambda: not watch.session.stalls.going, "the end of the stalls")
    return callers


def test_threads_that_keep_the_gil_in_turn() -> None:
    with watching("multithread", BlockSetting("c-gil", SECONDS)) as watch:
        callers = all_at_once(watch, 1)
        stalls = [stall for stall in watch.stalls if stall.cause is Cause.GIL]
        assert 1 <= len(stalls) <= 3, "while each of them blocks; in the last one's turn whoever has not sent its echo"
        turns = [moment for span in watch.session.blocks.spans for moment in (span.begin, span.end)]
        for stall in stalls:
            assert any(watch.is_close(stall.end, moment) for moment in turns), "it ends with a turn"
        assert stalls[0].begin >= callers[0].sent_at
        for before, after in pairwise(stalls):
            assert before.end <= after.begin


def test_threads_that_compute_side_by_side() -> None:
    with watching("multithread", BlockSetting("cpu", SECONDS)) as watch:
        callers = all_at_once(watch, 2)
        assert {stall.cause for stall in watch.stalls} <= {Cause.COMPUTING, Cause.GIL, Cause.NO_CORE}
        names = {caller.name for caller in callers}
        for stall in watch.blamed:
            assert {victim.peer for victim in stall.victims.values()} <= names, stall
        for target in {stall.target for stall in watch.blamed}:
            of_one = sorted((stall for stall in watch.blamed if stall.target == target), key=lambda stall: stall.begin)
            # Where a thread waits for the GIL, each message that any thread takes ends a stall and may begin the next.
            assert len(of_one) <= len(callers), of_one
            for before, after in pairwise(of_one):
                assert before.end <= after.begin, of_one


def calls(watch: Watch) -> dict[int, list[bytes]]:
    """The system call and first argument of each thread of the server, by the test's own look."""
    assert watch.session.server
    tasks = Path(f"/proc/{watch.session.server.pid}/task")
    return {int(task.name): (task / "syscall").read_bytes().split()[:2] for task in tasks.iterdir()}


def test_to_look_pulls_nobody_out_of_its_call() -> None:
    """One that is asked for its stack leaves its recv or accept, and can't go back while another keeps the GIL."""
    with watching("multithread", BlockSetting("c-gil", 3 * SECONDS)) as watch:
        sender, other, *_ = (watch.connect() for _ in range(6))
        watch.until(lambda: watch.session.totals.new == 6, "all are accepted")
        watch.passes(0.5)  # until their stacks are known
        before = calls(watch)
        watch.arm()
        sender.send()
        watch.until(lambda: watch.session.blocks.running, "the block")
        watch.arm(False)
        other.send()
        watch.until(lambda: any(s.located_at for s in watch.session.stalls.going.values()), "the line to blame")
        watch.passes(0.5)
        now = calls(watch)
        by_peer = {connection.peer: connection.tid for connection in watch.session.connections.values()}
        assert watch.session.blocks.running, "it lasts"
        assert {tid for tid in now if now[tid] != before[tid]} == {by_peer[sender.name], by_peer[other.name]}
        watch.connect()
        watch.passes(0.3)
        assert watch.session.server
        assert watch.session.server.queue == 0, "the accept that waits takes it, as it does where nobody looks"
        watch.until(lambda: sender.listen() and other.listen(), "their echoes")
