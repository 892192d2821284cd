"""The steps of each pattern: what to press, and what shows that it has happened (their words: `words/steps.py`)."""

from dataclasses import dataclass

from echo_servers.catalog import Pattern
from echo_servers.pattern import LOOP

from echo_tui.session.session import Session
from echo_tui.tour import seen
from echo_tui.tour.seen import Seen

NS, COUNT, PERCENT, BYTES, RATIO = "ns", "count", "percent", "bytes", "ratio"
"""The units of what a step measures."""


@dataclass(frozen=True)
class Step:
    """One step: its code, the keys to press, and what it waits for.

    An entry of `keys` is the id of a key, or, if it ends with "⏎", an answer to type. Without keys there is only
    something to watch. `needs` is the kind of evidence without which a session can't show it.
    """

    code: str
    keys: tuple[str, ...]
    seen: Seen
    unit: str = COUNT
    needs: str = ""

    def done(self, session: Session, now: int) -> float | None:
        """Return what was measured if the step has happened in a session, else None."""
        return self.seen(session, now)

    def lacks(self, session: Session) -> str:
        """Return why a session can't show it; empty if it can."""
        return session.missing.get(self.needs, "")


ONE = Step("one", ("new",), seen.served(1))
THREE = Step("three", ("new", "new", "new"), seen.served(3))
SECOND_WAITS = Step("second-waits", ("new",), seen.not_accepted, NS)
NEXT_WAITS = Step("next-waits", ("new",), seen.not_accepted, NS)
CLOSE_FIRST = Step("close-first", ("choose-left", "close"), seen.accepted_late, NS)
ALL_SPEAK = Step("all-speak", ("speak",), seen.all_echoed, NS)
ALL_WAIT = Step("all-wait", ("speak-block",), seen.everybody_waits, COUNT, "sockets")
ONLY_SENDER = Step("only-sender", ("speak-block",), seen.only_one_waits)

OF_LOOPS = (THREE, ALL_SPEAK, ALL_WAIT)
OF_MOVED = (THREE, ONLY_SENDER)
STEPS: dict[str, tuple[Step, ...]] = {
    "single-thread": (ONE, SECOND_WAITS, CLOSE_FIRST),
    "multithread": (Step("thread-each", ("new", "new", "new"), seen.served(3)), ALL_SPEAK, ONLY_SENDER),
    "thread-pool": (
        Step("fill-pool", ("new-many", "10⏎"), seen.all_workers_serve),
        NEXT_WAITS,
        CLOSE_FIRST,
    ),
    "too-many-threads": (
        Step("threads-climb", (), seen.many_threads),
        Step("refused", (), seen.has_ended, NS),
    ),
    "process-pool": (
        Step("fill-processes", ("new", "new"), seen.all_workers_serve),
        NEXT_WAITS,
        CLOSE_FIRST,
    ),
    "process-thread-pool": (THREE, ONLY_SENDER),
    "nonblocking": (Step("complains", (), seen.complains), Step("dies", (), seen.has_ended, NS)),
    "busy-loop": (
        Step("burns", (), seen.burns_a_core, PERCENT),
        Step("burns-for-one", ("new",), seen.burns_for_one, PERCENT),
        SECOND_WAITS,
    ),
    "asyncio-blocking": (THREE, Step("all-wait-own", ("speak",), seen.everybody_waits, COUNT, "sockets")),
    "asyncio-naive": (
        ONE,
        Step("stop-reading", ("misbehave", "stop-reading"), seen.does_not_read),
        Step("memory-grows", ("load", "200x64k⏎"), seen.memory_grows, BYTES),
    ),
    "asyncio-processes": (
        THREE,
        ONLY_SENDER,
        Step("two-compute", ("block-set", "cpu:5⏎", "speak"), seen.computes_elsewhere),
    ),
    "process-loops": (
        Step("wakes", ("new", "new", "new", "new"), seen.wakes, RATIO),
        Step("one-loop", ("speak-block",), seen.everybody_waits, COUNT, "sockets"),
    ),
    "eventlet": (THREE, ONLY_SENDER, Step("c-call", ("block-set", "c-call:5⏎", "speak-block"), seen.everybody_waits)),
    "gevent": (THREE, ONLY_SENDER, Step("c-call", ("block-set", "c-call:5⏎", "speak-block"), seen.everybody_waits)),
    "eventlet-tpool": OF_MOVED,
    "asyncio-to-thread": OF_MOVED,
}
"""The steps of patterns that differ from what `of` gives the others."""


def of(pattern: Pattern) -> tuple[Step, ...]:
    """Return the steps of a pattern; a loop without an entry has those of all loops."""
    return STEPS.get(pattern.name, OF_LOOPS if pattern.serves_in == LOOP else ())
