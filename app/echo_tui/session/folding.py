"""Folding observations that somebody else has written: a session of its own for each server, and no harm done."""

from echo_servers.records import New, WorkerStarted

from echo_tui.model.observations import (
    ClientConnected,
    ClientOpening,
    ClientUnconnected,
    Garbled,
    Observation,
    SessionBegan,
    Unavailable,
)
from echo_tui.session.session import APPLY, Session

GAP = 3_600_000_000_000
"""Two observations of a run are never this far apart (ns): it is sampled all the time."""
MOST_OPEN = 100_000
"""The limit of connections, clients, workers and gaps in the evidence that a recording may have at one time."""
GROWING = frozenset((New, WorkerStarted, ClientOpening, ClientConnected, ClientUnconnected, Unavailable))
SPECIAL = GROWING | {SessionBegan}


def fold(session: Session, one: Observation) -> Session:
    """Fold one observation, and return the session: a new one where the recorded run began one."""
    kind = type(one)
    if kind in SPECIAL:
        if kind is SessionBegan:
            session = Session()
        elif kind in GROWING and _open(session) >= MOST_OPEN:
            one = Garbled(one.at, 1)
            kind = Garbled
    try:
        APPLY[kind](session, one)
    except Exception:  # whatever somebody has written there: it is no observation of a run
        session.apply(Garbled(0, 1))
    return session


def advanced(now: int, at: int) -> int:
    """Return the time (ns) of a recording after an observation at a time; one that is far ahead is wrong."""
    return at if now < at <= now + GAP else now


def _open(session: Session) -> int:
    return len(session.connections) + len(session.clients) + len(session.workers) + len(session.missing)
