"""Servers that are slow, busy or idle but serve all clients have no stall."""

import sys
import threading
import time
from collections.abc import Callable

import pytest

from tests.attach.conftest import Start, Watch
from tests.attach.watching import Peer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")
SHORT, LONG = 4.0, 60.0
ALWAYS = (("threads", "busy"),)
SLOW, IDLE = 10, 200
STALL_AFTER = "500"
"""Threshold (ms), far longer than the test machine keeps a runnable thread off a core."""


def asking(peer: Peer, line: bytes, pause: float, until: float) -> threading.Thread:
    """Start a thread in which a client sends a line, waits for the reply, and repeats."""

    def ask() -> None:
        while time.monotonic() < until:
            peer.say(line)
            peer.hear()
            time.sleep(pause)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def slow(port: int, until: float) -> None:
    """Call handlers that take 50 ms."""
    for thread in [asking(Peer(port), b"slow\n", 0, until) for _ in range(SLOW)]:
        thread.join()


def idle(port: int, until: float) -> None:
    """Keep 200 connections open, only one of which sends now and then."""
    peers = [Peer(port) for _ in range(IDLE)]
    asking(peers[0], b"hello\n", 0.5, until).join()
    for peer in peers:
        peer.close()


def polls(port: int, until: float) -> None:
    """Wait for replies that take a second each."""
    for thread in [asking(Peer(port), b"poll\n", 0, until) for _ in range(SLOW)]:
        thread.join()


def busy(port: int, until: float) -> None:
    """Keep the server busy for about 80 % of a core."""
    asking(Peer(port), b"work\n", 0.00125, until).join()


CASES = [
    pytest.param(
        kind, load, seconds, id=f"{kind}-{load.__name__}-{seconds:.0f}s",
        marks=() if (kind, load.__name__) in ALWAYS and seconds == SHORT else pytest.mark.slow,
    )
    for kind in ("loop", "threads", "pool")
    for load in (slow, idle, polls, busy)
    for seconds in (SHORT, LONG)
    if (kind, load) != ("pool", idle)  # 200 connections exhaust a pool of 20 threads: that is a stall
]  # fmt: skip


@pytest.mark.parametrize(("kind", "load", "seconds"), CASES)
def test_healthy_server_has_no_stall(
    start: Start, watch: Watch, kind: str, load: Callable[[int, float], None], seconds: float
) -> None:
    server = start("healthy.py", kind)
    watched = watch(f":{server.port}", "--stall-after", STALL_AFTER, "--for", f"{seconds + 2}s")
    load(server.port, time.monotonic() + seconds)
    summary = watched.until(lambda line: line["type"] == "summary")
    assert not watched.stalls(), watched.stalls()
    assert summary["exit_code"] == 0
