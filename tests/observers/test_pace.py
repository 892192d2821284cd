"""The interval between samples depends on their cost: ratios within one run, independent of the machine."""

import time

from echo_tui.observers.pace import SHARE, URGENT_SHARE, Pace


def spend(pace: Pace, seconds: float) -> None:
    with pace:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass


def test_expensive_sample_is_followed_by_a_pause() -> None:
    pace = Pace()
    assert pace.is_due()
    began = time.monotonic_ns()
    spend(pace, 0.05)
    assert not pace.is_due(urgent=True), "just sampled"
    while not pace.is_due(urgent=True):
        time.sleep(0.01)
    assert time.monotonic_ns() - began >= URGENT_SHARE * 50_000_000
    assert not pace.is_due() or time.monotonic_ns() - began >= SHARE * 50_000_000
    pace.hurry()
    assert pace.is_due()
