"""Evidence that is easily misread.

Urgent bytes, a stopped server, a thread that blocks although its client has left, and an external client that waits.
"""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Cause, Stall
from echo_tui.model.remembered import State

from tests.crossed import seldom, seldom_cases
from tests.truth.watch import LIMIT, Watch, heard, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SECONDS = 1.5


@pytest.mark.parametrize("pattern", seldom(["asyncio", "select-loop", "eventlet"], "select-loop"))
def test_urgent_byte_makes_no_stall(pattern: str) -> None:
    with watching(pattern) as watch:
        urgent, other = watch.connect(), watch.connect()
        urgent.sock.send(b"!", socket.MSG_OOB)
        watch.passes(1)
        for _ in range(3):
            other.talk()
            watch.passes(0.2)
        assert watch.blamed == []


def going(watch: Watch) -> Stall:
    watch.until(lambda: watch.session.stalls.going, "a stall while it goes on")
    (stall,) = watch.session.stalls.going.values()
    return stall


def stop(watch: Watch, pid: int) -> None:
    """Stop a process and wait until it is stopped: until then, a thread may still echo."""
    os.kill(pid, signal.SIGSTOP)
    watch.until(lambda: all(thread.stopped for thread in watch.session.threads.of(pid)), "a sample shows it stopped")


@pytest.mark.parametrize("pattern", seldom(["asyncio", "select-loop", "multithread"], "asyncio"))
def test_stopped_server(pattern: str) -> None:
    with watching(pattern) as watch:
        caller = watch.connect()
        caller.talk()
        watch.passes(0.3)
        assert watch.session.server
        try:
            stop(watch, watch.session.server.pid)
            caller.send()
            stall = going(watch)
            watch.until(lambda: stall.cause is Cause.STOPPED, "the cause")
        finally:
            os.kill(watch.session.server.pid, signal.SIGCONT)
        watch.until(caller.listen, "its echo")
        watch.until(lambda: not watch.session.stalls.going, "its end")
        assert watch.is_close(stall.begin, caller.sent_at)


def test_stopped_loop_of_two_is_blamed() -> None:
    with watching("process-loops", workers=2, share="reuseport") as watch:
        watch.until(lambda: sum(w.announced for w in watch.session.workers.values()) == 2, "both loops")
        stopped = min(pid for pid, _ in watch.session.workers)
        watch.passes(0.3)
        try:
            stop(watch, stopped)
            for _ in range(12):
                watch.connect()
            stall = going(watch)
            watch.until(lambda: stall.cause is Cause.STOPPED, "the cause")
            assert stall.culprit
            assert stall.culprit.pid == stopped
        finally:
            os.kill(stopped, signal.SIGCONT)
        watch.until(lambda: not watch.session.stalls.going, "its end")


def test_each_block_is_blamed_on_its_own_thread() -> None:
    """One thread sleeps; another is in C code, which waits in the same system call as for a lock."""
    with watching("multithread", BlockSetting("sleep", 3 * SECONDS)) as watch:
        sleeper, caller = watch.connect(), watch.connect()
        watch.arm()
        sleeper.send()
        watch.until(lambda: watch.session.blocks.running, "the first block")
        watch.live.arm(BlockSetting("c-call", 2 * SECONDS))
        caller.send()
        watch.until(lambda: len(watch.session.blocks.running) == 2, "the second block")
        watch.arm(False)
        caller.send()
        stall = going(watch)
        watch.until(lambda: stall.located_at, "its line")
        assert stall.culprit
        assert stall.culprit.where
        assert (stall.culprit.where.function, stall.injected) == ("c_call", True)
        assert [victim.peer for victim in stall.victims.values()] == [caller.name]


@pytest.mark.parametrize(
    ("pattern", "workers"), seldom_cases([("single-thread", None), ("thread-pool", 2)], ("thread-pool", 2))
)
def test_threads_that_block_for_clients_that_left_are_blocked(pattern: str, workers: int | None) -> None:
    with watching(pattern, BlockSetting("sleep", SECONDS), workers=workers) as watch:
        watch.arm()
        for _ in range(workers or 1):
            sender = watch.connect()
            sender.send()
            sender.close()
        watch.until(lambda: len(watch.session.blocks.running) == (workers or 1), "the blocks")
        watch.arm(False)
        late = watch.connect()
        late.send()
        stall = going(watch)
        watch.until(lambda: stall.located_at, "its line")
        assert (stall.cause, stall.injected) == (Cause.BLOCKED, True)
        assert stall.culprit
        assert stall.culprit.where
        assert stall.culprit.where.function == "sleep"
        assert [victim.peer for victim in stall.victims.values()] == [late.name]
        watch.until(late.listen, "its echo")


def test_busy_loop_is_not_blamed_for_an_earlier_sleep() -> None:
    with watching("busy-loop", BlockSetting("sleep", 0.5)) as watch:
        watch.arm()
        sender = watch.connect()
        sender.send()
        watch.until(lambda: watch.session.blocks.running, "the block")
        watch.arm(False)
        watch.connect()
        stall = going(watch)

        def where() -> str:
            return stall.culprit.where.function if stall.culprit and stall.culprit.where else ""

        watch.until(lambda: where() == "sleep", "the line of the sleep")
        watch.until(lambda: stall.end, "its end")
        stall = going(watch)
        watch.until(lambda: stall.cause is Cause.ONE_CLIENT and where() not in ("", "sleep"), "the line of the loop")
        sender.close()


def test_block_of_the_only_thread_is_a_stall_of_its_own() -> None:
    """Before and after it, the thread only waits for its client's next message; no line is to blame."""
    with watching("single-thread", BlockSetting("sleep", 1.0)) as watch:
        sender = watch.connect()
        sender.talk()
        waits = watch.connect()
        before = going(watch)
        watch.passes(1.0)
        watch.arm()
        sender.talk()
        watch.arm(False)
        watch.until(lambda: len(watch.blamed) == 3, "the stall after the block")
        assert [stall.cause for stall in watch.blamed] == [Cause.ONE_CLIENT, Cause.BLOCKED, Cause.ONE_CLIENT]
        assert watch.blamed[0] is before
        block = watch.blamed[1]
        assert block.injected
        assert watch.is_close(block.begin, sender.sent_at)
        assert watch.is_close(block.end, sender.echo_at)
        assert [victim.peer for victim in block.victims.values()] == [waits.name]


def test_bytes_read_in_a_turn_wait_until_they_are_processed() -> None:
    """asyncio's streams read the bytes of all clients, and then the first coroutine blocks."""
    with watching("asyncio-streams", BlockSetting("sleep", SECONDS)) as watch:
        callers = [watch.connect() for _ in range(3)]
        watch.until(lambda: watch.session.totals.new == 3, "all are accepted")
        watch.arm()
        for caller in callers:
            caller.send()
        stall = going(watch)
        watch.arm(False)
        assert (stall.cause, len(stall.victims), stall.injected) == (Cause.BLOCKED, 2, True)
        assert watch.is_close(stall.begin, callers[0].sent_at)
        watch.until(lambda: heard(*callers), "every echo")
        first, second, _ = sorted(caller.echo_at for caller in callers)
        watch.until(lambda: stall.end, "its end")
        assert watch.is_close(stall.end, min(first, second))


@pytest.mark.parametrize("pattern", seldom(["asyncio", "eventlet", "epoll-loop"], "asyncio"))
def test_accepted_but_unreported_client_is_a_victim(pattern: str) -> None:
    """It has left the accept queue, but another client's block delays its `New` record."""
    with watching(pattern, BlockSetting("c-call", SECONDS / 3)) as watch:
        first, second = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == 2, "both are accepted")
        watch.arm()
        first.send()
        blocked(watch, 1)
        watch.live.arm(BlockSetting("c-call", 2 * SECONDS))
        external = watch.connect()
        external.send()
        time.sleep(SECONDS / 30)
        second.send()
        blocked(watch, 2)
        watch.arm(False)
        watch.until(
            lambda: any(external.name in (v.peer for v in s.victims.values()) for s in watch.stalls), "a victim"
        )
        assert watch.session.blocks.running
        watch.until(external.listen, "its echo")
        watch.until(lambda: not watch.session.stalls.going, "the end")


def blocked(watch: Watch, count: int) -> None:
    """Wait for a block without sampling the kernel, which would show the accept queue in between."""
    end = time.monotonic() + LIMIT
    while len(watch.session.blocks.spans) < count:
        assert time.monotonic() < end
        watch.live.drain()
        time.sleep(0.001)


def test_external_client_waits_since_its_bytes_arrived() -> None:
    with watching("asyncio", BlockSetting("sleep", SECONDS)) as watch:
        sender, external = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == 2, "both are accepted")
        watch.arm()
        sender.send()
        watch.until(lambda: watch.session.blocks.running, "the block")
        watch.arm(False)
        external.send()
        (connection,) = (c for c in watch.session.connections.values() if c.peer == external.name)
        watch.until(lambda: connection.state is State.WAITING, "the client waits")
        assert watch.is_close(connection.pending_since, external.sent_at)
        watch.until(external.listen, "its echo")
        watch.until(lambda: connection.state is State.QUIET, "the client is served")
        assert any(watch.is_close(wait.begin, external.sent_at) for wait in connection.waits), "the wait is kept"
