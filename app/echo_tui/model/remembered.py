"""What a connection does, and the spans in which it waited."""

import enum
from collections import deque
from dataclasses import dataclass

WAITS = 256
"""The number of waits remembered for a connection."""


class State(enum.Enum):
    """What a connection is doing.

    `THREAD_BLOCKED`: the thread that serves the connection is in a blocking call for another one. The connection waits
    for nothing yet, and could not be served.
    """

    QUEUED = "not-accepted"
    QUIET = "quiet"
    WAITING = "waiting"
    THREAD_BLOCKED = "thread-blocked"
    LEFT = "left"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Wait:
    """A span (ns) in which a connection waited: for its echo, or to be accepted."""

    begin: int
    end: int
    state: State


def with_wait(waits: deque[Wait] | tuple[Wait, ...], wait: Wait) -> deque[Wait]:
    """Return the waits with one more, which is merged with the last one if they overlap. Most connections have none."""
    if isinstance(waits, tuple):
        return deque((wait,), maxlen=WAITS)
    last = waits[-1]
    if last.state is wait.state and last.begin <= wait.end and wait.begin <= last.end:
        waits[-1] = Wait(min(wait.begin, last.begin), max(wait.end, last.end), wait.state)
    else:
        waits.append(wait)
    return waits
