"""A loop that makes several blocking calls in one turn: each is a stall, and all waiting clients are its victims."""

from pathlib import Path

import pytest
from echo_servers.block import BlockSetting

from tests.crossed import seldom
from tests.fuzz.judge import NOTICED, minus
from tests.truth.watch import heard, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SECONDS = 0.13
"""A little more than the threshold: one late sample and the call is missed."""


@pytest.mark.parametrize("pattern", seldom(["twisted", "epoll-loop", "asyncio"], "twisted"))
def test_short_calls_in_one_turn_cover_every_wait(pattern: str) -> None:
    """Twisted sends the echoes of a turn at its end, so all clients wait until then."""
    with watching(pattern, BlockSetting("sleep", SECONDS)) as watch:
        callers = [watch.connect() for _ in range(8)]
        watch.until(lambda: watch.session.totals.new == len(callers), "all are accepted")
        watch.arm()
        for caller in callers:
            caller.send()
        watch.until(lambda: heard(*callers), "every echo")
        watch.passes(0.5)
        peers = {connection.number: connection.peer for connection in watch.session.connections.values()}
        own = [(peers[span.connection], span.begin, span.end) for span in watch.session.blocks.spans]
        victims = [(v.peer, v.begin, v.end) for stall in watch.stalls for v in stall.victims.values()]
        echoes = [(caller.echo_at, caller.echo_at) for caller in callers]
        for caller in callers:
            known = [(begin, end) for peer, begin, end in own + victims if peer == caller.name]
            left = minus([(caller.sent_at, caller.echo_at)], known + echoes)
            assert all(end - begin < NOTICED + 2e9 * watch.late for begin, end in left), (caller.name, left)
