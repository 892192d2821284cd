"""Stalls of servers without reports, found by the kernel's evidence alone, compared with the test's measurements.

What the kernel does not show stays unknown: an injected blocking call looks like any other, so its own client waits
for its echo like the others; the worker of `busy-loop` has no idle call to be recognised by; and no sample shows that
all helpers of a loop are busy or that no descriptor is left.
"""

import os
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import PATTERNS
from echo_tui.diagnosis.stall import Attribution, Cause, Stall

from tests.crossed import crossed, seldom, seldom_cases
from tests.truth.test_stalls import KINDS, LOOPS, PATCHED, causes, in_the_pattern
from tests.truth.watch import Caller, Watch, heard, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SECONDS = 0.7
SERVING = tuple(pattern.name for pattern in PATTERNS if pattern.serves and pattern.name != "busy-loop")


def accepted(watch: Watch, count: int) -> list[Caller]:
    """Connect clients, and wait until each is accepted and its thread is known."""
    callers = [watch.connect() for _ in range(count)]
    watch.until(lambda: sum(bool(c.tid) for c in watch.session.connections.values()) == count, "who serves them")
    return callers


def during_a_call(watch: Watch, sender: Caller, others: list[Caller]) -> None:
    """Let one client's message block; once it is read, disarm the block and let the others send."""
    watch.arm()
    sender.send()
    watch.until(lambda: watch.session.totals.recv_bytes, "its bytes are read")
    watch.arm(False)
    for other in others:
        other.send()
    watch.until(lambda: heard(sender, *others), "every echo")
    watch.until(lambda: not watch.session.stalls.going, "the end of the stall")


def longest(watch: Watch) -> Stall:
    return max(watch.stalls, key=lambda stall: stall.lasted(0))


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        case
        for case in crossed(
            LOOPS,
            KINDS,
            lambda pattern, kind: (
                (pattern, kind) in (("asyncio", "sleep"), ("eventlet", "c-call"), ("epoll-loop", "cpu"))
            ),
        )
        if case.values[0] not in PATCHED or case.values[1] != "sleep"
    ],
)
def test_blocked_loop(pattern: str, kind: str) -> None:
    with watching(pattern, BlockSetting(kind, SECONDS), reports=False) as watch:
        sender, *others = accepted(watch, 3)
        during_a_call(watch, sender, others)
        stall = longest(watch)
        assert stall.cause in causes(kind, watch)
        assert stall.attribution is Attribution.THREAD
        begins = {victim.peer: victim.begin for victim in stall.victims.values()}
        assert set(begins) - {sender.name} == {other.name for other in others}
        assert all(watch.is_close(begins[other.name], other.sent_at) for other in others)
        assert watch.is_close(stall.end, min(other.echo_at for other in others))
        assert stall.culprit
        assert stall.culprit.where
        assert stall.culprit.where.function == KINDS[kind]
        assert in_the_pattern(stall, pattern)
        assert not stall.injected, "the kernel does not show who injected the call"


@pytest.mark.parametrize("pattern", seldom(["multithread", "thread-pool"], "multithread"))
def test_thread_that_keeps_the_gil(pattern: str) -> None:
    with watching(pattern, BlockSetting("c-gil", SECONDS), reports=False) as watch:
        sender, *others = accepted(watch, 3)
        during_a_call(watch, sender, others)
        stall = longest(watch)
        assert stall.cause is Cause.GIL
        assert {victim.peer for victim in stall.victims.values()} == {other.name for other in others}
        assert watch.is_close(stall.end, min(other.echo_at for other in others))
        assert stall.culprit
        assert stall.culprit.where
        assert stall.culprit.where.function == "c_gil"


@pytest.mark.parametrize(
    ("pattern", "workers", "cause"),
    seldom_cases(
        [
            ("single-thread", None, Cause.ONE_CLIENT),
            ("thread-pool", 2, Cause.ALL_WORKERS_BUSY),
            ("process-pool", 2, Cause.ALL_WORKERS_BUSY),
        ],
        ("single-thread", None, Cause.ONE_CLIENT),
        ("process-pool", 2, Cause.ALL_WORKERS_BUSY),
    ),
)
def test_client_that_is_not_accepted_has_the_cause(pattern: str, workers: int | None, cause: Cause) -> None:
    with watching(pattern, workers=workers, reports=False) as watch:
        watch.until(lambda: len(watch.session.workers) == (workers or 1), "all workers wait in accept")
        served = accepted(watch, workers or 1)
        waits = watch.connect()
        waits.send()
        watch.until(lambda: watch.session.stalls.going, "a stall")
        watch.passes(0.3)
        (stall,) = watch.blamed
        assert (stall.cause, stall.attribution) == (cause, Attribution.ARCHITECTURE)
        assert [victim.peer for victim in stall.victims.values()] == [waits.name]
        served[0].close()
        watch.until(waits.listen, "the client is served")
        watch.until(lambda: not watch.session.stalls.going, "its end")
        assert watch.is_close(stall.end, waits.echo_at)


def test_client_that_does_not_read() -> None:
    with watching("multithread", reports=False) as watch:
        (deaf,) = accepted(watch, 1)

        def stuck() -> bool:
            with suppress(BlockingIOError):
                while True:
                    deaf.sock.send(b"x" * 2**16)
            return any(s.cause is Cause.NOT_READING for s in watch.session.stalls.going.values())

        watch.until(stuck, "the stall is reported")
        (stall,) = watch.session.stalls.going.values()
        assert [victim.peer for victim in stall.victims.values()] == [deaf.name]


def test_stopped_server() -> None:
    with watching("asyncio", reports=False) as watch, ExitStack() as stack:
        (caller,) = accepted(watch, 1)
        assert watch.session.server
        pid = watch.session.server.pid
        os.kill(pid, signal.SIGSTOP)
        stack.callback(os.kill, pid, signal.SIGCONT)
        caller.send()
        watch.until(lambda: any(s.cause is Cause.STOPPED for s in watch.session.stalls.going.values()), "the cause")
        (stall,) = watch.session.stalls.going.values()
        assert [victim.peer for victim in stall.victims.values()] == [caller.name]


@pytest.mark.parametrize("pattern", seldom(SERVING, "single-thread", "multithread", "process-pool", "asyncio", "trio"))
def test_serving_server_has_no_stall(pattern: str) -> None:
    """The inferred connections and byte counts match those of the clients."""
    count = 1 if pattern == "single-thread" else 3
    with watching(pattern, workers=3, threshold=1_000_000_000, reports=False) as watch:
        callers = [watch.connect() for _ in range(count)]
        said = 0
        for number in range(10):
            for caller in callers:
                caller.talk(b"x" * (1 + 291 * number))
                said += 1 + 291 * number
        totals = watch.session.totals
        watch.until(lambda: (totals.recv_bytes, totals.send_bytes) == (said, said), "every byte is known")
        assert watch.stalls == []
        assert totals.new == count
        for caller in callers:
            caller.close()
        watch.until(lambda: totals.bye == count, "every Bye")
        assert not watch.session.connections
