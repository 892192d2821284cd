"""What the traffic fuzzer detects, and a short run of it."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crossed import seldom
from tests.fuzz.clients import Notes, Wait
from tests.fuzz.judge import EARLY, NEVER, NOTICED, Found, judge, minus
from tests.fuzz.plan import ACTORS, blocks, steps
from tests.fuzz.run import run

S = 1_000_000_000
A, B = "127.0.0.1:1", "127.0.0.1:2"


def talk(peer: str, *waits: tuple[int, int]) -> Notes:
    """Return a client that sent a byte at the begin of each wait and received its echo at the end."""
    heard = [end for _, end in waits if end]
    sent = len(waits)
    return Notes(peer, 0, 100 * S, sent, len(heard), True, [Wait(*wait) for wait in waits], heard)


def counted(*notes: Notes) -> Found:
    found = Found(counts={each.peer: [(each.sent, each.received)] for each in notes})
    found.totals = (sum(each.sent for each in notes), sum(each.received for each in notes))
    return found


def test_wait_without_a_stall_is_a_fault() -> None:
    notes = [talk(A, (S, 2 * S)), talk(B, (1, 2))]
    assert len(judge(notes, counted(*notes))) == 1
    found = counted(*notes)
    found.victims = {A: [(S + EARLY, 2 * S)]}
    found.stalls = [(1, [(A, S + EARLY, 2 * S)])]
    assert judge(notes, found) == []
    found.victims = {A: [(S + NOTICED, 2 * S)]}
    assert judge(notes, found), "the stall begins too late"
    found.late = 2 * EARLY
    assert judge(notes, found) == [], "this run was as late"


def test_own_blocking_call_is_no_fault() -> None:
    notes = [talk(A, (S, 2 * S))]
    found = counted(*notes)
    found.own = {A: [(S, 2 * S)]}
    assert judge(notes, found) == []


def test_wait_while_others_are_served_is_no_fault() -> None:
    served = talk(B, *((at, at + S // 10) for at in range(S, 2 * S, S // 5)))
    notes = [talk(A, (S, 2 * S)), served]
    assert judge(notes, counted(*notes)) == []


def test_wait_while_connections_are_closed_is_no_fault() -> None:
    notes = [talk(A, (S, 2 * S))]
    found = counted(*notes)
    assert judge(notes, found)
    found.goodbyes = [*range(S, 2 * S, S // 5)]
    assert judge(notes, found) == []


def test_stall_without_a_waiting_victim_is_a_fault() -> None:
    notes = [talk(A, (S, S + 1), (9 * S, 9 * S + 1))]
    found = counted(*notes)
    found.stalls = [(1, [])]
    assert judge(notes, found)
    found.stalls = [(1, [(A, 3 * S, 4 * S)])]
    assert judge(notes, found)
    found.stalls = [(1, [(A, 3 * S, 4 * S), (B, 3 * S, 4 * S)])]
    assert judge(notes, found) == [], "the other victim may belong to a flood"


def test_endless_wait_lasts_until_the_client_leaves() -> None:
    notes = [talk(A, (S, 0))]
    assert judge(notes, counted(*notes))
    found = counted(*notes)
    found.victims, found.stalls = {A: [(S, NEVER)]}, [(1, [(A, S, NEVER)])]
    assert judge(notes, found) == []


@pytest.mark.parametrize("lost", [0, 1])
def test_wrong_byte_count_is_a_fault_unless_records_were_lost(lost: int) -> None:
    notes = [talk(A, (S, S + 1))]
    found = counted(*notes)
    found.counts, found.lost = {A: [(0, 0)]}, lost
    assert bool(judge(notes, found)) is not bool(lost)


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (min(pair), max(pair))), max_size=6)


@given(spans, spans)
def test_remaining_spans_exclude_the_cuts(those: list[tuple[int, int]], cuts: list[tuple[int, int]]) -> None:
    left = minus(those, cuts)
    inside = {at for a, b in those for at in range(a, b)} - {at for a, b in cuts for at in range(a, b)}
    assert {at for a, b in left for at in range(a, b)} == inside


@given(st.integers(0, 1000))
def test_plan_depends_only_on_the_seed(seed: int) -> None:
    assert [*islice(steps(seed, 1), 50)] == [*islice(steps(seed, 1), 50)]
    armed = blocks(seed, 30.0)
    assert armed == blocks(seed, 30.0)
    assert [at for at, _ in armed] == sorted(at for at, _ in armed)
    assert all(setting is None for _, setting in armed[1::2])
    assert ACTORS > 1


@pytest.mark.parametrize("pattern", seldom(["asyncio", "multithread"], "multithread"))
def test_short_run_has_no_fault(pattern: str) -> None:
    faults, session, _ = run(pattern, 1, 3.0)
    assert faults == []
    assert session.totals.recv
