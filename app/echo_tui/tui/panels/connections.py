"""The table of connections: open ones, the waiting ones first if space is short, then those closed recently."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from itertools import islice

from rich.style import Style

from echo_tui.model.activity import SECOND
from echo_tui.model.connection import Connection
from echo_tui.model.remembered import State
from echo_tui.session.session import Session
from echo_tui.tui import text
from echo_tui.tui.table import Column, TablePanel
from echo_tui.tui.view import View
from echo_tui.words import connections as words

CLOSED_SHOWN = 200
LONG = SECOND
"""A connection that has waited this long (ns) comes before others; with a lower limit the rows would jump about."""
GAUGE = 8
"""The width of the accept queue's gauge (cells)."""
SMALL_GAUGE = 3
"""Its width where space is short (cells)."""


def whose(view: View, connection: Connection) -> str:
    """Return whose connection it is: a number of our clients, "flood", or "external"; "?" if it is not known yet."""
    if connection.client is not None:
        return f"[{connection.client}]"
    if connection.flooded or (not connection.closed_at and connection.peer in view.session.clients.flood.peers):
        return words.flood()
    return {True: words.external(), False: "", None: "?"}[view.session.is_external(connection, view.now)]


def state_style(view: View, connection: Connection) -> Style:
    """Return the style of a connection's state."""
    palette = view.palette
    if view.call_of(connection):
        return palette.blocked
    state, _ = view.condition(connection)
    if state is State.QUEUED:
        return palette.queued
    if state is State.THREAD_BLOCKED:
        return palette.warning
    if state is State.WAITING:
        return palette.waiting
    return palette.good if state is State.QUIET else palette.dim


def victims(session: Session) -> set[int]:
    """Return the numbers of the victims of open stalls."""
    going = session.stalls.going.values()
    return {number for stall in going for number, victim in stall.victims.items() if not victim.end}


def worker(view: View, connection: Connection) -> str:
    """Return the process that serves it, and the thread if that is not the main thread; "none" if nobody does."""
    if not connection.pid:
        return words.nobody()
    return str(connection.pid) if connection.tid == connection.pid else f"{connection.pid}/{connection.tid}"


def counted(connection: Connection, count: str) -> str:
    """Return a count reported by the server, marked as a lower bound if records were lost."""
    return f"≥{count}" if connection.incomplete else count


def unread(view: View, connection: Connection) -> str:
    """Return the bytes that the kernel has received and the server has not read; empty if there are none."""
    return text.size(connection.unread) if connection.unread else ""


def unread_for(view: View, connection: Connection) -> str:
    """Return how long the server has read none of the unread bytes; empty if there are none."""
    since = connection.none_read_since
    return text.elapsed(max(view.now - since, 0)) if connection.unread and since else ""


def unsent(view: View, connection: Connection) -> str:
    """Return the bytes the server has written that are still in the kernel's send queue; empty if there are none."""
    return text.size(connection.unsent) if connection.unsent else ""


def unread_style(view: View, connection: Connection) -> Style:
    """Return the style of unread and unsent bytes: that of a wait."""
    return view.palette.waiting


COLUMNS: tuple[Column[Connection], ...] = (
    Column("number", 4, 0, lambda view, c: str(c.number), lambda view, c: view.palette.dim, right=True),
    Column("peer", 7, 0, lambda view, c: text.tail(text.peer(c.peer), 7)),
    Column("client", 8, 2, whose, lambda view, c: view.palette.accent),
    Column("state", 19, 1, style=state_style, most=25, fitted=lambda view, c, width: view.state(c, width)),
    Column("recv", 6, 5, lambda view, c: counted(c, text.count(c.recv)), right=True),
    Column("send", 6, 5, lambda view, c: counted(c, text.count(c.send)), right=True),
    Column("bytes", 8, 8, lambda view, c: counted(c, text.size(c.recv_bytes)), right=True),
    Column("rtt", 8, 6, lambda view, c: text.duration(c.rtt), right=True),
    Column("rtt-max", 8, 7, lambda view, c: text.duration(c.rtt_max), right=True),
    Column("unsent", 7, 5, unsent, unread_style, right=True),
    Column("unread", 7, 3, unread, unread_style, right=True),
    Column("unread-for", 10, 4, unread_for, unread_style, right=True),
    Column("worker", 13, 9, worker, lambda view, c: view.palette.dim),
)

WITH_UNSENT = tuple(replace(column, rank=1) if column.name == "unsent" else column for column in COLUMNS)
"""The columns while bytes are unsent: `unsent` is then shown at every width."""


def titles(session: Session) -> Iterator[str]:
    """Yield the number of connections and the length of the accept queue, in ever fewer words."""
    server, totals = session.server, session.totals
    number, closed_by_server = len(session.connections), totals.bye - totals.refused
    refused = _counted("refused", totals.refused)
    begin = [words.count("connections", number), *refused]
    closed = _counted("closed", closed_by_server)
    if server and server.running and "sockets" in session.missing:
        unknown, short = words.queue_unknown()
        yield ", ".join([*begin, unknown, *closed])
        yield ", ".join([*begin, unknown])
        yield ", ".join([*begin, short])
        yield ", ".join([words.count("open", number), short])
        return
    if not (server and server.running and server.queue is not None):
        yield ", ".join(begin + closed)
        return
    queue, limit = server.queue, server.queue_limit or 0
    knock, dropped = _counted("unanswered", server.unanswered), _counted("dropped", server.dropped)
    of = words.of(queue, limit)
    gauge, small = (f"{text.share(queue, limit, cells)} {of}" if queue else of for cells in (GAUGE, SMALL_GAUGE))
    (long, short), (_, shorter), (_, shortest) = words.queue(gauge), words.queue(small), words.queue(of)
    yield ", ".join([*begin, long, *knock, *dropped, *closed])
    for rest in ([*knock, *dropped], knock):
        for said in (long, short, shorter):
            yield ", ".join([*begin, said, *rest])
    for said in (short, shorter, shortest):
        yield ", ".join([words.count("open", number), *refused, said, *knock])
    yield ", ".join([words.count("open", number), *refused])


def _counted(what: str, number: int | None) -> list[str]:
    """Return a part of the title with a number; none for 0, or where it is not known."""
    return [words.count(what, number)] if number and number > 0 else []


class ConnectionsPanel(TablePanel[Connection]):
    """The panel with one row for each connection."""

    TITLE = "connections"
    COLUMNS = COLUMNS

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._open: list[Connection] = []
        self._places: dict[int, int] = {}
        self._sorted_for: Hashable = None

    def whole(self, begin: int, end: int, total: int) -> str:
        return words.open_or_closed(len(self.view.session.connections) if self.view else total, begin, end, total)

    def fingerprint(self, view: View) -> tuple[object, ...]:
        return (view.session.changes, view.tenth, "sockets" in view.session.missing)

    def prepare(self, view: View) -> None:
        session = view.session
        self.items = [*self._ordered(view), *islice(reversed(session.connections.closed), CLOSED_SHOWN)]
        self.last = len(self.items)
        self.columns = WITH_UNSENT if any(c.unsent for c in session.connections.values()) else COLUMNS
        self.title_text = text.first_that_fits(titles(session), self.extent.width - 2)

    def _ordered(self, view: View) -> list[Connection]:
        """Return the open connections in order; if space is short, waiting ones first until the user scrolls."""
        connections, totals = view.session.connections, view.session.totals
        if self.top > self.first or self.cursor > self.first:
            last = len(self._places)  # rows keep their order while the user reads them
            return sorted(connections.values(), key=lambda connection: self._places.get(connection.number, last))
        going = tuple((stall.number, len(stall.victims)) for stall in view.session.stalls.going.values())
        sorted_for = (id(view.session), view.now // SECOND, len(connections), totals.new, totals.bye, self.rows, going)
        if (
            sorted_for != self._sorted_for
        ):  # at once for a stall, else once a second: rows must not jump, and sorting thousands is slow
            found = list(connections.values())
            if len(found) > self.rows:
                first = victims(view.session)
                long = {number for number, since in view.pending.items() if view.now - since >= LONG}
                if first or long:
                    found.sort(key=lambda c: (c.number not in first, c.number not in long))
            self._sorted_for, self._open = sorted_for, found
            self._places = {connection.number: place for place, connection in enumerate(found)}
        return self._open

    def plain(self, item: Connection) -> Style:
        assert self.view
        return self.view.palette.dim if item.closed_at else self.view.palette.text
