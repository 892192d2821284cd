"""The architecture recognised from outside, compared with the pattern's own declaration."""

from pathlib import Path

import pytest
from echo_servers.catalog import PATTERNS, Pattern
from echo_servers.pattern import LOOP, PROCESS, THREAD
from echo_tui.session.architecture import Kind, recognise

from tests.crossed import seldom
from tests.truth.watch import watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what threads do")

NEVER_IDLE = ("busy-loop",)
"""Patterns that wait in no system call, so that nothing can be recognised."""


def declared(pattern: Pattern) -> Kind:
    """Return the architecture that a pattern declares."""
    if pattern.serves_in == LOOP:
        return Kind.LOOP
    if pattern.serves_in == PROCESS:
        return Kind.ONE_BY_ONE
    assert pattern.serves_in == THREAD
    return Kind.POOL if pattern.workers else Kind.HANDS_OVER


@pytest.mark.parametrize(
    "pattern",
    seldom(
        [pattern for pattern in PATTERNS if pattern.serves and pattern.name not in NEVER_IDLE and not pattern.missing],
        *(
            pattern
            for pattern in PATTERNS
            if pattern.name in ("single-thread", "multithread", "thread-pool", "asyncio")
        ),
    ),
    ids=lambda pattern: pattern.name,
)
def test_recognised_architecture_is_the_declared_one(pattern: Pattern) -> None:
    with watching(pattern.name, workers=2 if pattern.workers else None, reports=False) as watch:
        one = watch.connect()
        watch.until(lambda: watch.session.totals.new == 1, "the client is accepted")
        one.talk()
        watch.until(lambda: (found := recognise(watch.session)) and found.kind is declared(pattern), "its kind")
        found = recognise(watch.session)
        assert found
        if pattern.workers == "processes" and not pattern.moves_to:
            watch.until(lambda: (each := recognise(watch.session)) and each.processes == 2, "both processes")
