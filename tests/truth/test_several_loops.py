"""Several loops on one port: which clients and new connections a blocked loop delays."""

import time
from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Cause, Stall

from tests.truth.watch import Caller, Watch, heard, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SECONDS = 1.0
NEWCOMERS = 12
PLENTY = 100


def server_of(watch: Watch, caller: Caller) -> int:
    """Return the pid of the process that serves a client, or 0."""
    return next((c.pid for c in watch.session.connections.values() if c.peer == caller.name and c.accepted_at), 0)


def in_each(watch: Watch, count: int) -> list[list[Caller]]:
    """Connect clients until each of two processes serves `count` of them; return them by process."""
    there: dict[int, list[Caller]] = {}
    watch.until(lambda: watch.session.totals.wakes_in_vain is not None, "a loop waits")
    for _ in range(PLENTY):
        caller = watch.connect()
        watch.until(lambda caller=caller: server_of(watch, caller), "the client is accepted")  # type: ignore[misc]
        there.setdefault(server_of(watch, caller), []).append(caller)
        if len(there) == 2 and min(map(len, there.values())) >= count:
            return list(there.values())
    raise AssertionError("one process accepts all clients")


def hold(watch: Watch, *senders: Caller) -> None:
    """Block the loops of these clients."""
    watch.arm()
    for sender in senders:
        sender.send()
    watch.until(lambda: len(watch.session.blocks.running) == len(senders), "the block")
    watch.arm(False)


def over(watch: Watch) -> list[Stall]:
    """Wait for the end of all stalls; return those not caused by a busy machine."""
    watch.until(lambda: not watch.session.stalls.going, "the end of the stall")
    return [stall for stall in watch.stalls if stall.cause is not Cause.NO_CORE]


def test_blocked_loop_delays_only_its_own_clients() -> None:
    with watching("process-loops", BlockSetting("sleep", SECONDS), workers=2, share="accept") as watch:
        (sender, *victims), others = in_each(watch, 2)
        pid = server_of(watch, sender)
        hold(watch, sender)
        for caller in (*victims, *others):
            caller.send()
        newcomers = [watch.connect() for _ in range(NEWCOMERS)]
        for newcomer in newcomers:
            newcomer.send()
        watch.until(lambda: heard(sender, *victims, *others, *newcomers), "every echo")
        (stall,) = over(watch)
        assert (stall.cause, stall.injected, getattr(stall.target, "pid", None)) == (Cause.BLOCKED, True, pid)
        assert {victim.peer for victim in stall.victims.values()} == {victim.name for victim in victims}
        assert watch.is_close(stall.begin, victims[0].sent_at)
        assert watch.is_close(stall.end, min(victim.echo_at for victim in victims))
        assert stall.culprit
        assert stall.culprit.pid == pid
        assert max(caller.echo_at for caller in (*others, *newcomers)) < sender.echo_at


def test_reuseport_clients_of_a_blocked_loop_wait() -> None:
    with watching("process-loops", BlockSetting("sleep", SECONDS), workers=2, share="reuseport") as watch:
        sender = watch.connect()
        watch.until(lambda: server_of(watch, sender), "the client is accepted")
        pid = server_of(watch, sender)
        hold(watch, sender)
        begun = time.monotonic_ns()
        newcomers = [watch.connect() for _ in range(NEWCOMERS)]
        for newcomer in newcomers:
            newcomer.send()
        watch.until(lambda: heard(sender, *newcomers), "every echo")
        watch.until(lambda: all(server_of(watch, newcomer) for newcomer in newcomers), "all connections are reported")
        held = [newcomer for newcomer in newcomers if server_of(watch, newcomer) == pid]
        assert 0 < len(held) < NEWCOMERS
        (stall,) = over(watch)
        assert (stall.cause, stall.injected, getattr(stall.target, "pid", None)) == (Cause.BLOCKED, True, pid)
        assert {victim.peer for victim in stall.victims.values()} == {newcomer.name for newcomer in held}
        assert stall.culprit
        assert stall.culprit.pid == pid
        assert watch.is_close(stall.begin, begun)
        assert watch.is_close(stall.end, min(newcomer.echo_at for newcomer in held))


def test_no_loop_accepts_when_all_are_blocked() -> None:
    with watching("process-loops", BlockSetting("sleep", SECONDS), workers=2, share="accept") as watch:
        (one, *_), (other, *_) = in_each(watch, 1)
        hold(watch, one, other)
        newcomer = watch.connect()
        newcomer.send()
        watch.until(lambda: heard(one, other, newcomer), "every echo")
        stalls = over(watch)
        assert len(stalls) == 1, stalls
        (stall,) = stalls
        assert (stall.cause, stall.injected) == (Cause.BLOCKED, True)
        assert [victim.peer for victim in stall.victims.values()] == [newcomer.name]
        assert watch.is_close(stall.begin, newcomer.sent_at)


@pytest.mark.parametrize("share", ["accept", "herd", "reuseport"])
def test_wakes_per_connection_are_known(share: str) -> None:
    with watching("process-loops", workers=4, share=share) as watch:
        for _ in range(NEWCOMERS):
            watch.connect().talk()
        watch.until(lambda: watch.session.totals.new == NEWCOMERS, "all are reported")
        if share == "herd":
            watch.until(lambda: (watch.session.totals.wakes_each or 0) > 1.5, "the herd")
        else:
            assert watch.session.totals.wakes_each
            assert watch.session.totals.wakes_each < 1.5


def test_sampling_is_not_counted_as_a_wake() -> None:
    """Each process's stack is sampled once when its system calls have changed; no connection caused that wake."""
    with watching("process-loops", workers=4) as watch:
        watch.until(lambda: len({pid for pid, _ in watch.session.workers}) == 4, "all workers")
        known = watch.session.threads.known
        watch.until(
            lambda: all(known[key].framed_at for key in watch.session.workers if key in known), "a stack of each"
        )
        for _ in range(4):
            watch.connect().talk()
            watch.passes(0.2)
        assert watch.session.totals.wakes_each
        assert watch.session.totals.wakes_each < 1.3
