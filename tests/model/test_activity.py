"""What a connection remembers: how busy it was in each tenth of a second, and its waits."""

from collections import Counter

import pytest
from echo_tui.model.activity import BUCKET, BUCKETS, NOTICEABLE, SECOND, Activity
from echo_tui.model.connection import Connection
from echo_tui.model.remembered import WAITS, State, Wait
from hypothesis import example, given
from hypothesis import strategies as st

START = 10_000

steps = st.one_of(st.integers(-3, 5), st.integers(-BUCKETS - 50, BUCKETS + 50), st.sampled_from((10 * BUCKETS, 0)))


histories = st.lists(st.tuples(steps, st.integers(1, 300), st.booleans()), max_size=60)


@given(histories, st.integers(-BUCKETS, 20), st.integers(1, BUCKETS))
@example([(0, 1, False), (-BUCKETS, 1, False)], 0, 1)
@example([(0, 255, False), (BUCKETS, 1, False), (1 - BUCKETS, 3, True)], -BUCKETS + 1, 2)
@example([(1, 7, True)] * 40, -50, 60)
def test_activity_matches_a_plain_count_of_messages(moves: list[tuple[int, int, bool]], back: int, width: int) -> None:
    activity, counted, bucket, last = Activity(), Counter[int](), START, START
    activity.count(START * BUCKET)
    counted[START] = 1
    for step, messages, at_once in moves:
        bucket = max(bucket + step, 0)
        last = max(last, bucket)
        for each in (messages,) if at_once else (1,) * messages:
            activity.count(bucket * BUCKET + messages, each)
        if bucket > last - BUCKETS:
            counted[bucket] += messages
    remembered = {b: min(n, 255) for b, n in counted.items() if b > last - BUCKETS}
    begin = max(last + back, 0)
    most = max((n for b, n in remembered.items() if begin <= b < begin + width), default=0)
    assert activity.between(begin * BUCKET, (begin + width) * BUCKET) == most
    assert activity.between(0, (last + 1) * BUCKET) == max(remembered.values())
    twin, own = activity.copy(), activity.copy()
    for grain in (last, max(last - 1, 0), last + 1):
        activity.count(grain * BUCKET, 255)
    for grain in range(max(last - 40, 0), last + 2):
        assert twin.between(grain * BUCKET, (grain + 1) * BUCKET) == remembered.get(grain, 0)
    twin.count(last * BUCKET, 255)
    assert own.between(last * BUCKET, (last + 1) * BUCKET) == remembered.get(last, 0)


@pytest.mark.parametrize("grains", [1, 2, 100])
def test_what_was_counted_too_much_is_taken_back(grains: int) -> None:
    activity = Activity()
    for grain in range(1, grains + 1):
        activity.count(grain * BUCKET, 10)
    for grain in {1, grains}:
        activity.count(grain * BUCKET, -3)
        assert activity.between(grain * BUCKET, (grain + 1) * BUCKET) == 7
        activity.count(grain * BUCKET, -100)
        assert activity.between(grain * BUCKET, (grain + 1) * BUCKET) == 0


def test_span_covers_every_bucket_that_it_touches() -> None:
    activity = Activity()
    for _ in range(3):
        activity.count(7 * BUCKET + 5)
    activity.count(9 * BUCKET)
    assert activity.between(7 * BUCKET, 8 * BUCKET) == 3
    assert activity.between(8 * BUCKET, 9 * BUCKET) == 0
    assert activity.between(8 * BUCKET, 9 * BUCKET + 1) == 1
    assert activity.between(7 * BUCKET + 50, 7 * BUCKET + 60) == 3


def connection() -> Connection:
    return Connection(1, "127.0.0.1:1", SECOND)


def test_wait_too_short_to_notice_is_not_kept() -> None:
    it = connection()
    it.remember(SECOND, SECOND + NOTICEABLE - 1, State.WAITING)
    it.remember(0, SECOND, State.WAITING)
    assert not it.waits
    it.remember(SECOND, SECOND + NOTICEABLE, State.WAITING)
    assert list(it.waits) == [Wait(SECOND, SECOND + NOTICEABLE, State.WAITING)]


def test_overlapping_waits_of_one_state_are_joined() -> None:
    it = connection()
    it.remember(2 * SECOND, 4 * SECOND, State.WAITING)
    it.remember(3 * SECOND, 5 * SECOND, State.WAITING)
    it.remember(5 * SECOND, 6 * SECOND, State.WAITING)
    assert list(it.waits) == [Wait(2 * SECOND, 6 * SECOND, State.WAITING)]
    it.remember(6 * SECOND, 7 * SECOND, State.THREAD_BLOCKED)
    it.remember(7 * SECOND + 1, 8 * SECOND, State.THREAD_BLOCKED)
    assert [(w.begin // SECOND, w.state) for w in it.waits] == [
        (2, State.WAITING),
        (6, State.THREAD_BLOCKED),
        (7, State.THREAD_BLOCKED),
    ]


def test_wait_within_the_last_one_changes_nothing() -> None:
    it = connection()
    it.remember(2 * SECOND, 9 * SECOND, State.WAITING)
    it.remember(3 * SECOND, 5 * SECOND, State.WAITING)
    assert list(it.waits) == [Wait(2 * SECOND, 9 * SECOND, State.WAITING)]


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20), st.sampled_from(State)), max_size=40))
def test_kept_waits_cover_exactly_the_time_waited(spans: list[tuple[int, int, State]]) -> None:
    it = connection()
    for begin, length, state in spans:
        it.remember(begin * NOTICEABLE, (begin + length) * NOTICEABLE, state)
    for state in State:
        waited = {t for b, n, s in spans if s is state for t in range(b, b + n)}
        known = {t for w in it.waits if w.state is state for t in range(w.begin // NOTICEABLE, w.end // NOTICEABLE)}
        assert known == waited


def test_only_the_latest_waits_are_kept() -> None:
    it = connection()
    for second in range(2, 2 * WAITS, 2):
        it.remember(second * SECOND, (second + 1) * SECOND, State.WAITING)
    assert len(it.waits) <= WAITS
    for second in range(2 * WAITS, 6 * WAITS, 2):
        it.remember(second * SECOND, (second + 1) * SECOND, State.WAITING)
    assert len(it.waits) == WAITS
    assert it.waits[-1].end == (6 * WAITS - 1) * SECOND
