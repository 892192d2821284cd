"""Stalls of real threads that wait for the GIL, compared with the test's own measurements."""

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
    """Let C code for one client keep the GIL while two others send; return the stall, its culprit and that client."""
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
def test_thread_that_keeps_the_gil(pattern: str) -> None:
    with watching(pattern, BlockSetting("c-gil", SECONDS)) as watch:
        stall, culprit, sender = kept(watch)
        its_own = [victim.begin for victim in stall.victims.values() if victim.peer == sender]
        assert all(watch.is_close(begin, stall.end) for begin in its_own), "only after its call"
        held = [w for w in watch.session.workers.values() if any(c.peer == sender for c in w.serving.values())]
        assert [worker.tid for worker in held] == [culprit.tid], "the thread of the blocking client"


@pytest.mark.parametrize("pattern", ["asyncio-to-thread", "eventlet-tpool"])
def test_helper_thread_keeps_the_gil_from_the_loop(pattern: str) -> None:
    with watching(pattern, BlockSetting("c-gil", SECONDS)) as watch:
        _, culprit, _ = kept(watch)
        assert (culprit.pid, culprit.tid) not in watch.session.workers


@pytest.mark.parametrize("pattern", seldom(["multithread", "thread-pool"], "multithread"))
def test_accepted_client_that_cannot_be_reported_yet(pattern: str) -> None:
    """A thread has accepted it and then waits for the GIL."""
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
    """Return whether the threads of these clients are sampled often; the first sample of many threads is expensive."""
    names, threads = {caller.name for caller in callers}, watch.session.threads
    keys = {(c.pid, c.tid) for c in watch.session.connections.values() if c.peer in names}
    return keys <= threads.known.keys() and (threads.interval or SECONDS * 1e9) < SECONDS * 1e9 / 2


@pytest.mark.slow
def test_latest_of_many_threads_are_sampled() -> None:
    """Not all of so many threads are sampled, but those that served a client last are."""
    with watching("multithread", BlockSetting("c-gil", 3 * SECONDS)) as watch:
        silent = [watch.connect() for _ in range(MOST + 20)]
        sender, other = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == len(silent) + 2, "all are accepted")
        sender.talk()
        other.talk()
        watch.until(lambda: are_sampled(watch, sender, other), "their threads are sampled often")
        during_a_block(watch, sender, [other])
        stall = max(watch.stalls, key=lambda stall: stall.lasted(0))
        assert stall.cause is Cause.GIL
        assert [victim.peer for victim in stall.victims.values()] == [other.name]
        assert watch.is_close(stall.begin, other.sent_at)
        assert watch.is_close(stall.end, other.echo_at)


def test_silent_new_client_waits_until_it_is_reported() -> None:
    """A thread in accept has removed it from the queue, and needs the GIL to report it."""
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
        assert watch.session.blocks.running, "the block still runs"
        assert [victim.peer for victim in stall.victims.values()] == [newcomer.name]
        watch.until(lambda: stall.cause is Cause.GIL and stall.culprit, "why")
        watch.until(lambda: sender.listen() and not watch.session.stalls.going, "its end")
        assert watch.is_close(stall.end, sender.echo_at)
        assert stall.begin >= connected - 1_000_000


def all_at_once(watch: Watch, messages: int) -> list[Caller]:
    """Let three clients each send `messages` blocking messages; return them once every echo has arrived."""
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
        assert 1 <= len(stalls) <= 3, "at most one for each block"
        turns = [moment for span in watch.session.blocks.spans for moment in (span.begin, span.end)]
        for stall in stalls:
            assert any(watch.is_close(stall.end, moment) for moment in turns), "ends with a block"
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
            # With a thread waiting for the GIL, each message read by any thread ends a stall and may begin another.
            assert len(of_one) <= len(callers), of_one
            for before, after in pairwise(of_one):
                assert before.end <= after.begin, of_one


def calls(watch: Watch) -> dict[int, list[bytes]]:
    """Return the system call and first argument of each server thread, read by the test itself."""
    assert watch.session.server
    tasks = Path(f"/proc/{watch.session.server.pid}/task")
    return {int(task.name): (task / "syscall").read_bytes().split()[:2] for task in tasks.iterdir()}


def test_sampling_wakes_no_thread_in_its_call() -> None:
    """A thread whose stack is requested leaves recv or accept, and can't return to it while another keeps the GIL."""
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
        assert watch.session.blocks.running, "the block still runs"
        assert {tid for tid in now if now[tid] != before[tid]} == {by_peer[sender.name], by_peer[other.name]}
        watch.connect()
        watch.passes(0.3)
        assert watch.session.server
        assert watch.session.server.queue == 0, "accepted by the waiting thread, as without sampling"
        watch.until(lambda: sender.listen() and other.listen(), "their echoes")
