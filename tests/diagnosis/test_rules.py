"""The table of rules: which rule applies, and which cause it supports."""

from echo_servers.records import Block, Recv
from echo_tui.diagnosis.rules import RULES
from echo_tui.diagnosis.stall import Attribution, Cause

from tests.model.scene import PID, Scene, loop

CONCLUDED = {Cause.NO_CORE, Cause.BACKLOG, Cause.THROTTLED}
"""Causes that follow from several samples or from the accept queue, not from a rule."""


def test_each_cause_has_a_rule_and_rule_names_are_unique() -> None:
    assert {rule.cause for rule in RULES} == set(Cause) - CONCLUDED
    assert len({rule.name for rule in RULES}) == len(RULES)


def rules_of(call: str, ms: int = 200, running: int = 0, system: int | None = None, since: int = 0) -> list[str]:
    scene, peers = loop()
    scene.does(PID, call)
    scene.threads[PID].system, scene.threads[PID].system_since = system, since or scene.now + 10**9
    scene.unread = {peers[0]: 5}
    scene.passes(ms, running)
    return [rule for rule, _ in scene.only().clues]


def test_first_applicable_rule_is_counted_at_each_sample() -> None:
    assert rules_of("clock_nanosleep") == ["in-call"]
    assert rules_of("sendto") == ["in-send"]
    assert rules_of("", running=PID) == ["runs"]
    assert rules_of("", running=PID, system=2) == ["runs"]
    assert rules_of("", running=PID, system=40) == ["spins"]
    assert rules_of("", running=PID, system=40, since=1) == ["runs"], "measured before the stall"


def test_computing_thread_spins_if_its_measurements_do_on_the_average() -> None:
    """The kernel counts the time in system calls in ticks, so that one measurement says little."""
    for shares, cause in (
        ((15, 0, 5, 0), Cause.SPINNING),
        ((10, *[0] * 7), Cause.COMPUTING),
        ((5, 0, 0, 0), Cause.COMPUTING),
    ):
        scene, peers = loop()
        scene.does(PID, "")
        scene.unread = {peers[0]: 5}
        scene.passes(400, PID)
        for share in shares:
            scene.threads[PID].system, scene.threads[PID].system_since = share, scene.now - 100
            scene.passes(200, PID)
        assert scene.only().cause is cause


def test_report_counts_before_the_thread_is_sampled() -> None:
    scene = Scene("poll", workers=(PID,))
    peers = [scene.accepts(conn) for conn in (1, 2)]
    scene.say(Recv(scene.now, PID, PID, 1, 5, "x"), Block(scene.now + 1, PID, PID, 1, "cpu", 2.0))
    scene.unread = {peers[1]: 5}
    scene.threads.clear()
    scene.session.threads.end()
    scene.passes(200)
    assert [rule for rule, _ in scene.only().clues] == ["reports-cpu"]
    assert scene.only().injected


def test_no_thread_is_judged_if_all_workers_serve_a_client() -> None:
    scene = Scene("accept", "recv")
    scene.accepts(1)
    scene.does(PID, "recvfrom")
    scene.queued = ["127.0.0.1:6000"]
    scene.passes(200)
    assert [rule for rule, _ in scene.only().clues] == ["stays"]


def test_pool_with_all_threads_in_calls_is_busy() -> None:
    scene = Scene("accept", "recv")
    served = [scene.accepts(conn, tid=PID + conn, by=PID) for conn in (1, 2)]
    waits = scene.accepts(3)
    assert len(served) == 2
    for conn in (1, 2):
        scene.does(PID + conn, "clock_nanosleep")
    scene.unread = {waits: 5}
    scene.passes(200)
    stall = scene.only()
    assert [rule for rule, _ in stall.clues] == ["pool-busy"]
    assert (stall.cause, stall.attribution) == (Cause.ALL_WORKERS_BUSY, Attribution.ARCHITECTURE)
    assert stall.culprit
    assert stall.culprit.tid == PID + 1, "one of the busy threads is shown"


def test_pool_with_a_free_thread_is_not_busy() -> None:
    scene = Scene("accept", "recv")
    for conn in (1, 2):
        scene.accepts(conn, tid=PID + conn, by=PID)
    waits = scene.accepts(3)
    scene.does(PID + 1, "clock_nanosleep")
    scene.does(PID + 2, "recvfrom")
    scene.unread = {waits: 5}
    scene.passes(200)
    assert [rule for rule, _ in scene.only().clues] == ["idle"]
