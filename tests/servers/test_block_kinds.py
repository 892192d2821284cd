"""What each kind of blocking call keeps from running, and that it lasts as long as requested, even with signals."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest
from echo_servers.block import CALLS, KINDS, WORDS

SECONDS = 0.4
FEW = 5
"""Turns of another thread that a call which keeps the GIL may leave, just after its begin."""
TRIES = 4


@pytest.fixture
def signals() -> Iterator[None]:
    """Deliver a signal every 10 ms, with a handler that returns."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", KINDS)
def test_block_lasts_as_long_as_requested(kind: str, signals: None) -> None:
    began = time.monotonic()
    CALLS[kind](SECONDS)
    assert time.monotonic() - began >= SECONDS * 0.99
    assert WORDS[kind]


def turns(kind: str) -> tuple[int, float]:
    """Return how often another thread ran during the call, but for its last tenth, and the call's share of CPU time."""
    ran, stop, ready = list[float](), threading.Event(), threading.Event()

    def other() -> None:
        ready.set()
        while not stop.wait(0.001):
            ran.append(time.monotonic())

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()
    spent, began = time.thread_time(), time.monotonic()
    CALLS[kind](SECONDS)
    share = (time.thread_time() - spent) / (time.monotonic() - began)
    stop.set()
    thread.join()
    return sum(began < at < began + 0.9 * SECONDS for at in ran), share


def most_turns(kind: str) -> tuple[int, float]:
    """Return `turns`, of several calls if too few: on a busy machine the other thread may have had no core."""
    for _ in range(TRIES):
        measured = turns(kind)
        if measured[0] > FEW:
            break
    return measured


def test_which_kinds_keep_the_gil_and_which_compute() -> None:
    measured = {kind: most_turns(kind) for kind in KINDS}
    ran = {kind: count for kind, (count, _) in measured.items()}
    assert ran["c-gil"] <= FEW < min(ran["sleep"], ran["c-call"], ran["cpu"]), ran
    share = {kind: spent for kind, (_, spent) in measured.items()}
    assert share["cpu"] > 10 * max(share["sleep"], share["c-call"], share["c-gil"]), share
