"""One pattern under random traffic: a headless run, its clients, and what the session knows at the end."""

import subprocess
import sys
import time
from collections.abc import Callable

import msgspec
from echo_tui.session.session import Session

from tests.fuzz.clients import DRAINS, Notes
from tests.fuzz.judge import NEVER, Found, judge
from tests.fuzz.plan import blocks
from tests.truth.watch import INTERVAL, Watch, watching

SETTLES = 0.5


def run(pattern: str, seed: int, seconds: float) -> tuple[list[str], Session, int]:
    """Return the faults, the session, and the longest interval (ns) between samples of its sockets."""
    with watching(pattern) as watch:
        server = watch.session.server
        assert server
        line = [sys.executable, "-m", "tests.fuzz.clients", server.host, str(server.port), str(seed), str(seconds)]
        with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
            try:
                worst = _play(watch, seed, seconds, lambda: process.poll() is None)
                assert process.stdout
                notes = msgspec.json.decode(process.stdout.read(), type=list[Notes])
            finally:
                process.kill()
        watch.passes(SETTLES)
        return judge(notes, found(watch)), watch.session, worst


def _play(watch: Watch, seed: int, seconds: float, plays: Callable[[], bool]) -> int:
    """Take turns and arm the block as planned. Return the longest interval (ns) between samples of the sockets."""
    began, worst = time.monotonic(), 0
    left = blocks(seed, seconds)
    while plays():
        assert time.monotonic() < began + seconds + 2 * DRAINS, "the clients do not end"
        while left and time.monotonic() - began >= left[0][0]:
            watch.live.arm(left.pop(0)[1])
        watch.turn()
        worst = max(worst, watch.session.server.interval if watch.session.server else 0)
    return worst


def found(watch: Watch) -> Found:
    """Return what the session knows."""
    session = watch.session
    result = Found(lost=session.totals.lost, totals=(session.totals.recv_bytes, session.totals.send_bytes))
    result.late = int((2 * INTERVAL + 2 * watch.late) * 1e9)
    peers = {c.number: c.peer for c in (*session.connections.values(), *session.connections.closed)}
    for connection in (*session.connections.values(), *session.connections.closed):
        result.counts.setdefault(connection.peer, []).append((connection.recv_bytes, connection.send_bytes))
        result.goodbyes.append(connection.closed_at)
    for span in session.blocks.spans:
        result.own.setdefault(peers.get(span.connection, ""), []).append((span.begin, span.end or NEVER))
    for stall in session.stalls.all:
        victims = [(v.peer, v.begin, v.end or NEVER) for v in stall.victims.values()]
        result.stalls.append((stall.number, victims))
        for peer, begin, end in victims:
            result.victims.setdefault(peer, []).append((begin, end))
    return result
