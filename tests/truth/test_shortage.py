"""Stalls caused by a shortage: of helpers for blocking calls, or of file descriptors."""

import os
import resource
import sys

import pytest
from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Cause

from tests.crossed import seldom
from tests.servers.harness import LOOPS
from tests.truth.watch import Watch, heard, watching

linux = pytest.mark.skipif(sys.platform != "linux", reason="the accept queue is read by sock_diag(7)")


@pytest.mark.parametrize(
    "pattern", seldom(["asyncio-to-thread", "asyncio-processes", "eventlet-tpool"], "asyncio-to-thread")
)
def test_waiting_for_a_helper_is_attributed_to_the_architecture(pattern: str) -> None:
    """Two helpers and four calls of a second: the third and fourth clients wait until a helper is free."""
    with watching(pattern, BlockSetting("sleep", 1.0), workers=2) as watch:
        callers = [watch.connect() for _ in range(4)]
        for caller in callers:
            caller.talk()
        watch.arm()
        for caller in callers:
            caller.send()
        watch.until(lambda: watch.session.stalls.going, "a stall")
        (stall,) = watch.session.stalls.going.values()
        waiting = {caller.name for caller in callers} - {span_peer(watch, span) for span in blocks(watch)}
        assert {victim.peer for victim in stall.victims.values()} == waiting
        assert (stall.cause, stall.injected, stall.culprit) == (Cause.ALL_HELPERS_BUSY, False, None)
        watch.until(lambda: heard(*callers), "every echo")
        watch.until(lambda: not watch.session.stalls.going, "the end of the stall")
        first = watch.blamed[0]
        begun = sorted(span.begin for span in watch.session.blocks.spans)
        assert watch.is_close(first.begin, callers[2].sent_at)
        assert watch.is_close(first.end, begun[2])
        assert all(stall.victims for stall in watch.stalls)


def blocks(watch: Watch) -> list[int]:
    return [span.connection for span in watch.session.blocks.running.values()]


def span_peer(watch: Watch, number: int) -> str:
    return watch.session.connections[number].peer


def test_free_helpers_make_no_stall() -> None:
    with watching("asyncio-to-thread", BlockSetting("sleep", 0.5), workers=4) as watch:
        callers = [watch.connect() for _ in range(4)]
        watch.arm()
        for caller in callers:
            caller.send()
        watch.until(lambda: heard(*callers), "every echo")
        watch.passes(0.2)
        assert watch.blamed == []


@linux
@pytest.mark.parametrize("pattern", seldom(["multithread", *LOOPS], "multithread", "asyncio", "eventlet"))
def test_stall_without_descriptors_lasts_until_one_is_free(pattern: str) -> None:
    with watching(pattern) as watch:
        served = [watch.connect() for _ in range(3)]
        for caller in served:
            caller.talk()
        leave_no_descriptor(watch)
        late = [watch.connect() for _ in range(4)]
        for caller in late:
            caller.send()
        watch.until(lambda: any(s.cause is Cause.NO_DESCRIPTORS for s in watch.stalls), "the stall")
        for _ in range(10):  # serving the connected clients does not end the stall
            watch.passes(0.05)
            served[0].talk()
        (stall,) = [s for s in watch.stalls if s.cause is Cause.NO_DESCRIPTORS]
        assert not stall.end
        assert {victim.peer for victim in stall.victims.values()} <= {caller.name for caller in late}
        assert not stall.injected
        for caller in served:
            caller.close()
        watch.until(lambda: stall.end, "its end")
        watch.until(lambda: sum(caller.listen() for caller in late) >= len(served), "their echoes")


def leave_no_descriptor(watch: Watch) -> None:
    """Leave the serving processes no descriptor for another client."""
    for pid in {pid for pid, _ in watch.session.workers}:
        taken = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
        first = next(fd for fd in range(4096) if fd not in taken)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (first, 4096))


def test_computing_busy_loop_is_an_injected_stall() -> None:
    with watching("busy-loop", BlockSetting("cpu", 1.0)) as watch:
        first, second = watch.connect(), watch.connect()
        first.talk()
        watch.arm()
        first.send()
        second.send()
        watch.until(lambda: any(s.injected for s in watch.session.stalls.going.values()), "an injected stall")
        (stall,) = watch.session.stalls.going.values()
        assert stall.cause is Cause.COMPUTING
        assert [victim.peer for victim in stall.victims.values()] == [second.name]
        watch.arm(False)
        watch.until(first.listen, "its echo")
