"""What each kind of blocking call holds, and that it lasts as long as it was told, signals or not."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest
from echo_servers.block import CALLS, KINDS, WORDS

SECONDS = 0.4


@pytest.fixture
def signals() -> Iterator[None]:
    """A signal every few milliseconds, whose handler returns."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", KINDS)
def test_it_lasts_as_long_as_it_was_told(kind: str, signals: None) -> None:
    began = time.monotonic()
    CALLS[kind](SECONDS)
    assert time.monotonic() - began >= SECONDS * 0.99
    assert WORDS[kind]


def turns(kind: str) -> tuple[int, float]:
    """How often another thread has come to run during the call, and its share of the processor's time."""
    count, stop, ready = [0], threading.Event(), threading.Event()

    def other() -> None:
        ready.set()
        while not stop.wait(0.001):
            count[0] += 1

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()
    before, spent, began = count[0], time.thread_time(), time.monotonic()
    CALLS[kind](SECONDS)
    share = (time.thread_time() - spent) / (time.monotonic() - began)
    told = count[0] - before
    stop.set()
    thread.join()
    return told, share


def test_who_can_run_meanwhile_and_who_computes() -> None:
    measured = {kind: turns(kind) for kind in KINDS}
    ran = {kind: count for kind, (count, _) in measured.items()}
    assert ran["c-gil"] <= 5 < min(ran["sleep"], ran["c-call"], ran["cpu"]), ran
    share = {kind: spent for kind, (_, spent) in measured.items()}
    assert share["cpu"] > 10 * max(share["sleep"], share["c-call"], share["c-gil"]), share
