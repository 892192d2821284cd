"""Stalls of real servers, compared with the test's own measurements."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import PATTERNS, find
from echo_servers.server import Options
from echo_tui.diagnosis.stall import Cause, Stall
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan

from tests.crossed import crossed, seldom, seldom_cases
from tests.truth.watch import Watch, during_a_block, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SECONDS = 0.7
MORE = ("gevent", "twisted", "trio", "uvloop")
PATCHED = ("eventlet", "gevent")
LOOPS = (
    "select-loop",
    "poll-loop",
    "epoll-loop",
    "asyncio",
    "asyncio-naive",
    "asyncio-blocking",
    "asyncio-streams",
    "eventlet",
    *MORE,
)
KINDS = {"sleep": "sleep", "c-call": "c_call", "cpu": "cpu", "c-gil": "c_gil"}
"""The function that each kind of block calls."""
SERVING = tuple(pattern.name for pattern in PATTERNS if pattern.serves)


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        case
        for case in crossed(
            LOOPS,
            KINDS,
            lambda pattern, kind: (
                pattern == "asyncio" or (kind == "c-call" and pattern in ("select-loop", "eventlet", "twisted", "trio"))
            ),
        )
        if case.values[0] not in PATCHED or case.values[1] != "sleep"  # it blocks no other client: see below
    ],
)
def test_blocked_loop(pattern: str, kind: str) -> None:
    with watching(pattern, BlockSetting(kind, SECONDS)) as watch:
        sender, *others = (watch.connect() for _ in range(3))
        watch.until(lambda: watch.session.totals.new == 3, "all are accepted")
        during_a_block(watch, sender, others)
        stall = max(watch.stalls, key=lambda stall: stall.lasted(0))
        assert stall.cause in causes(kind, watch)
        assert not [s for s in watch.stalls if s is not stall and s.cause is not Cause.NO_CORE]
        assert stall.injected
        assert {victim.peer for victim in stall.victims.values()} == {other.name for other in others}
        assert watch.is_close(stall.begin, others[0].sent_at)
        assert watch.is_close(stall.end, min(other.echo_at for other in others))
        assert stall.culprit
        assert stall.culprit.where
        assert stall.culprit.where.function == KINDS[kind]
        assert in_the_pattern(stall, pattern)


def causes(kind: str, watch: Watch) -> set[Cause]:
    """Return the possible causes of a blocked loop, which on a busy machine may wait for a core while it computes."""
    if kind != "cpu":
        return {Cause.BLOCKED}
    starved = any(state.waited_for_a_core > SECONDS * 1e9 / 2 for state in watch.session.threads.known.values())
    return {Cause.COMPUTING, Cause.NO_CORE} if starved else {Cause.COMPUTING}


def in_the_pattern(stall: Stall, pattern: str) -> bool:
    """Return whether the culprit's stack includes the pattern's own file or a shared handler."""
    assert stall.culprit
    files = {frame.file for frame in stall.culprit.frames}
    source = find(pattern).source
    handlers = (source, source.parents[1] / "echo.py", source.with_name("asyncio_protocol.py"))
    return any(str(file) in files for file in handlers)


@pytest.mark.parametrize(
    ("pattern", "kind"),
    seldom_cases(
        [("eventlet", "sleep"), ("gevent", "sleep"), ("multithread", "sleep"), ("multithread", "c-call"),
         ("thread-pool", "sleep"), ("process-thread-pool", "c-call"), ("process-pool", "c-gil"),
         ("asyncio-to-thread", "sleep"), ("asyncio-to-thread", "c-call"), ("eventlet-tpool", "sleep"),
         ("eventlet-tpool", "c-call"), ("asyncio-processes", "sleep"), ("asyncio-processes", "c-gil")],
        ("eventlet", "sleep"), ("multithread", "sleep"), ("process-pool", "c-gil"), ("asyncio-to-thread", "c-call"),
    ),
)  # fmt: skip
def test_block_that_affects_nobody_else_is_no_stall(pattern: str, kind: str) -> None:
    with watching(pattern, BlockSetting(kind, SECONDS), workers=2, threshold=400_000_000) as watch:
        sender, other = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == 2, "both are accepted")
        during_a_block(watch, sender, [other])
        assert other.echo_at < sender.echo_at
        assert watch.stalls == []


def test_client_that_leaves_during_a_block_does_not_wait() -> None:
    with watching("asyncio", BlockSetting("sleep", SECONDS)) as watch:
        sender, quiet = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == 2, "both are accepted")
        watch.arm()
        sender.send()
        watch.until(lambda: watch.session.blocks.running, "the block")
        quiet.sock.shutdown(socket.SHUT_WR)
        watch.until(sender.listen, "its echo")
        watch.until(lambda: watch.session.totals.bye == 1, "the Bye record")
        assert watch.blamed == []


@pytest.mark.parametrize(
    ("pattern", "places", "cause"),
    [
        ("single-thread", 1, Cause.ONE_CLIENT),
        ("busy-loop", 1, Cause.ONE_CLIENT),
        ("thread-pool", 2, Cause.ALL_WORKERS_BUSY),
        ("process-pool", 2, Cause.ALL_WORKERS_BUSY),
        ("thread-pool", 10, Cause.ALL_WORKERS_BUSY),
    ],
)
def test_client_that_is_not_accepted_has_the_cause(pattern: str, places: int, cause: Cause) -> None:
    with watching(pattern, workers=None if places == 1 else places) as watch:
        served = [watch.connect() for _ in range(places)]
        for caller in served:
            caller.talk()
        waits = watch.connect()
        connected = time.monotonic_ns()
        waits.send()
        watch.until(lambda: watch.session.stalls.going, "a stall")
        served[0].talk()  # the other clients are served meanwhile
        watch.passes(0.3)
        (stall,) = watch.blamed
        assert (stall.cause, stall.injected) == (cause, False)
        assert [victim.peer for victim in stall.victims.values()] == [waits.name]
        assert watch.is_close(stall.begin, connected)
        left = time.monotonic_ns()
        served[0].close()
        watch.until(waits.listen, "the client is served")
        watch.until(lambda: not watch.session.stalls.going, "its end")
        assert watch.is_close(stall.end, left)


def test_full_backlog() -> None:
    with watching("single-thread") as watch, ExitStack() as stack:
        first = watch.connect()
        first.talk()
        assert watch.session.server
        for _ in range((watch.session.server.backlog or 0) + 1):
            stack.callback(watch.connect().close)
        knocking = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import socket; socket.create_connection({('127.0.0.1', watch.session.server.port)})",
            ]
        )
        try:
            watch.until(lambda: any(s.cause is Cause.BACKLOG for s in watch.stalls), "the backlog")
            (full,) = [s for s in watch.stalls if s.cause is Cause.BACKLOG]
            assert len(full.unanswered) == 1
            assert watch.session.server.dropped
        finally:
            knocking.kill()
            knocking.wait()


@pytest.mark.parametrize("pattern", seldom(["single-thread", "multithread"], "multithread"))
def test_client_that_does_not_read(pattern: str) -> None:
    with watching(pattern) as watch:
        deaf = watch.connect()
        sent = 0

        def stuck() -> bool:
            nonlocal sent
            with contextlib.suppress(BlockingIOError):
                while True:
                    sent += deaf.sock.send(b"x" * 2**16)
            return any(s.cause is Cause.NOT_READING for s in watch.session.stalls.going.values())

        watch.until(stuck, "the stall is reported")
        (stall,) = watch.session.stalls.going.values()
        assert [victim.peer for victim in stall.victims.values()] == [deaf.name]
        deaf.close()
        watch.until(lambda: not watch.session.stalls.going, "the stall ends with its client")


@pytest.mark.parametrize("pattern", seldom(["select-loop", "asyncio", "trio"], "select-loop"))
def test_loop_that_stops_reading_from_one_client_has_no_stall(pattern: str) -> None:
    with watching(pattern) as watch:
        deaf, other = watch.connect(), watch.connect()
        silences = 0
        while silences < 20:
            silences += 1
            with contextlib.suppress(BlockingIOError):
                while deaf.sock.send(b"x" * 2**16):
                    silences = 0
            watch.turn()
        (connection,) = (c for c in watch.session.connections.values() if c.peer == deaf.name)
        assert connection.unsent
        assert connection.unread
        other.talk()
        assert watch.blamed == []


@pytest.mark.parametrize(
    "pattern",
    seldom(
        SERVING, "single-thread", "multithread", "process-pool", "busy-loop", "asyncio-to-thread", "twisted"
    ),
)  # fmt: skip
def test_serving_server_has_no_stall(pattern: str) -> None:
    with watching(pattern, workers=3, threshold=1_000_000_000) as watch:
        callers = [watch.connect() for _ in range(1 if pattern in ("single-thread", "busy-loop") else 3)]
        said = 0
        for number in range(10):
            for caller in callers:
                caller.talk(b"x" * (1 + 291 * number))
                said += 1 + 291 * number
        watch.passes(0.3)
        totals = watch.session.totals
        assert watch.stalls == []
        assert (totals.recv_bytes, totals.send_bytes, totals.new) == (said, said, len(callers))
        for caller in callers:
            caller.close()
        watch.until(lambda: totals.bye == len(callers), "every Bye")
        assert not watch.session.connections


@pytest.mark.parametrize("pattern", [pattern.name for pattern in PATTERNS if not pattern.serves])
def test_pattern_that_serves_nobody_has_no_stall(pattern: str) -> None:
    live = Live(Plan(options=Options(port=0, ceiling=50)))
    try:
        live.start(find(pattern))
        seen, end = 0, time.monotonic() + 1.5
        while time.monotonic() < end:
            live.drain()
            live.sample_kernel()
            seen = max(seen, len(live.session.threads.known))
            time.sleep(0.02)
        assert seen >= (50 if pattern == "too-many-threads" else 1)
        assert not live.session.stalls.all
    finally:
        live.close()


@pytest.fixture
def busy_core() -> Iterator[int]:
    """Yield a core that is overloaded for a while."""
    core = min(os.sched_getaffinity(0))
    script = f"""if True:
        import os, time
        os.sched_setaffinity(0, {{{core}}})
        end = time.monotonic() + 60
        while time.monotonic() < end: pass
    """
    # In their own sessions, because the kernel may share a core between sessions first (sched(7), autogroup).
    burners = [subprocess.Popen([sys.executable, "-c", script], start_new_session=True) for _ in range(8)]
    yield core
    for burner in burners:
        burner.kill()
        burner.wait()


@pytest.mark.slow  # it takes a core away from all other tests
def test_no_core_differs_from_blocked_on_a_busy_machine(busy_core: int) -> None:
    for kind, cause in (("cpu", Cause.NO_CORE), ("sleep", Cause.BLOCKED)):
        with watching("asyncio", BlockSetting(kind, 1.5)) as watch:
            assert watch.session.server
            os.sched_setaffinity(watch.session.server.pid, {busy_core})
            sender, other = watch.connect(), watch.connect()
            watch.until(lambda: watch.session.totals.new == 2, "both are accepted")
            during_a_block(watch, sender, [other])
            longest = max(watch.stalls, key=lambda stall: stall.lasted(0))
            assert longest.cause is cause
