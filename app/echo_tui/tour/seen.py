"""What a step waits for: each function returns what was measured once it has happened in a session, else None.

Durations are in ns; `now` is the time of the session.
"""

from collections.abc import Callable
from itertools import islice

from echo_tui.diagnosis.stall import Attribution, Stall
from echo_tui.model.activity import SECOND
from echo_tui.model.blocks import BlockSpan
from echo_tui.model.connection import Connection
from echo_tui.session.session import Session

Seen = Callable[[Session, int], float | None]

NOTED = SECOND // 2
"""A wait is shown as one once it has lasted so long (ns)."""
BURNS = 80
"""The share of a core (percent) that counts as a busy loop's."""
BURNS_AT_LEAST = 20
"""The least share that it gets on a busy machine, where it is ready to run for the rest of the time."""
GROWTH = 8_000_000
"""The growth (bytes) of a process that shows that a server keeps what a client does not read."""
HERD = 4
"""Connections after which the wakes of each are worth a look."""


def served(count: int) -> Seen:
    """Return when so many connections are accepted; what is measured is the number of threads that serve them."""

    def seen(session: Session, now: int) -> float | None:
        accepted = (connection for connection in session.connections.values() if connection.accepted_at)
        if sum(1 for _ in islice(accepted, count)) < count:
            return None
        return sum(1 for worker in session.workers.values() if worker.serving)

    return seen


def all_workers_serve(session: Session, now: int) -> float | None:
    """Return the number of workers once each of them has a client."""
    workers = [worker for worker in session.workers.values() if worker.announced]
    return len(workers) if workers and all(worker.serving for worker in workers) else None


def not_accepted(session: Session, now: int) -> float | None:
    """Return how long a connection has waited in the accept queue while others are served."""
    waits = [now - c.opened_at for c in session.connections.values() if not (c.accepted_at or c.left_at)]
    serves = any(connection.accepted_at for connection in session.connections.values())
    return max(waits) if serves and waits and max(waits) >= NOTED else None


def accepted_late(session: Session, now: int) -> float | None:
    """Return how long a connection had waited in the accept queue when it was accepted."""
    waits = [c.accepted_at - c.opened_at for c in session.connections.values() if c.accepted_at]
    return max((wait for wait in waits if wait >= NOTED), default=None)


def all_echoed(session: Session, now: int) -> float | None:
    """Return the longest round trip once each of at least two clients of ours has its echo."""
    those = [connection for client in session.clients.values() if (connection := client.connection)]
    trips = [connection.rtt for connection in those if connection.rtt is not None]
    return max(trips) if len(those) >= 2 and len(trips) == len(those) else None


def everybody_waits(session: Session, now: int) -> float | None:
    """Return the number of victims of an injected call that blocks a loop or the GIL, at least one."""
    victims = [len(stall.victims) for stall in _injected(session) if stall.attribution is Attribution.THREAD]
    return max(victims, default=None)


def only_one_waits(session: Session, now: int) -> float | None:
    """Return how many others have had an echo since a blocking call of one client began, while it lasts."""
    for span in session.blocks.running.values():
        if others := [c for c in session.connections.values() if _is_served_during(c, span, now)]:
            return len(others)
    return None


def burns_a_core(session: Session, now: int) -> float | None:
    """Return the share of a core (percent) that a server takes which serves nobody."""
    return None if session.connections else burnt(session)


def burns_for_one(session: Session, now: int) -> float | None:
    """Return the share of a core (percent) that a server takes while its clients are idle."""
    idle = all(not connection.pending_since for connection in session.connections.values())
    return burnt(session) if session.connections and idle else None


def many_threads(session: Session, now: int) -> float | None:
    """Return the number of threads once there are at least a hundred."""
    count = session.server.threads if session.server else None
    return count if count and count >= 100 else None


def complains(session: Session, now: int) -> float | None:
    """Return how many lines a server has written on its stderr."""
    return sum(1 for line in session.printed.lines if line.stream == "stderr") or None


def has_ended(session: Session, now: int) -> float | None:
    """Return how long a server ran that has ended by itself."""
    server = session.server
    return server.exited_at - server.started_at if server and server.exited_at and not server.wanted else None


def does_not_read(session: Session, now: int) -> float | None:
    """Return the number of clients that have stopped reading."""
    return sum(1 for client in session.clients.values() if client.connection and not client.reading) or None


def memory_grows(session: Session, now: int) -> float | None:
    """Return the growth (bytes) of the server's memory since it began to listen."""
    grown = sum(process.growth for process in session.resources.processes.values() if not process.gone_at)
    return grown if grown >= GROWTH else None


def wakes(session: Session, now: int) -> float | None:
    """Return how many loops a connection has woken on average."""
    return session.totals.wakes_each if session.totals.new >= HERD else None


def computes_elsewhere(session: Session, now: int) -> float | None:
    """Return how many processes of a pool are making a call at once."""
    calls = [span for span in session.blocks.running.values() if span.by_helper]
    return len(calls) if len(calls) >= 2 else None


def _injected(session: Session) -> list[Stall]:
    return [stall for stall in session.stalls.all if stall.injected]


def burnt(session: Session) -> float | None:
    """Return the share of a core (percent) of a process that takes nearly all it can get; None if none does.

    On a busy machine it gets less than a core: then it is ready to run for the rest of the time (Linux).
    """
    alive = [process for process in session.resources.processes.values() if process.cpu and not process.gone_at]
    share = max((process.cpu[-1][1] for process in alive), default=0.0)
    wants = max((100 * (t.cpu + (t.delay or 0)) for t in session.threads.known.values() if t.cpu), default=0.0)
    return share if share >= BURNS or (wants >= BURNS and share >= BURNS_AT_LEAST) else None


def _is_served_during(connection: Connection, span: BlockSpan, now: int) -> bool:
    return connection.number != span.connection and connection.read_at > span.begin and not connection.pending_since
