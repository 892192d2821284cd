"""Which architecture a server has, recognised from how its threads wait: for servers that do not declare it."""

import enum
from collections import Counter
from dataclasses import dataclass

from echo_tui.session.session import Session


class Kind(enum.Enum):
    """How a process of the server serves its clients."""

    LOOP = "loop"
    """One thread polls for new clients and for all it has accepted."""
    ONE_BY_ONE = "one-by-one"
    """One thread accepts a client and stays with it."""
    POOL = "pool"
    """Several threads accept, and each stays with its client."""
    GOROUTINES = "goroutines"
    """A Go program: any thread runs any goroutine."""
    HANDS_OVER = "hands-over"
    """One thread accepts, and other threads serve: one for each client, or a pool."""


@dataclass(frozen=True)
class Architecture:
    """The kind, the number of processes that accept, and the most accepting threads of one of them."""

    kind: Kind
    processes: int
    threads: int


def recognise(session: Session) -> Architecture | None:
    """Return the architecture of a server as far as it has shown it; None until a thread was seen to accept."""
    accepting = Counter(worker.pid for worker in session.workers.values() if worker.announced)
    if not accepting or not session.server:
        return None
    idle, threads = session.server.idle_calls, max(accepting.values())
    serving = {worker.pid for worker in session.workers.values() if not worker.announced and worker.tid}  # 0: not known
    if any(session.threads.parks(pid) for pid in accepting):
        kind = Kind.GOROUTINES
    elif any(accepting[pid] == 1 for pid in serving):
        kind = Kind.HANDS_OVER
    elif "poll" in idle and "recv" not in idle and threads == 1:
        kind = Kind.LOOP
    else:
        kind = Kind.POOL if threads > 1 else Kind.ONE_BY_ONE
    return Architecture(kind, len(accepting.keys() | serving), threads)
