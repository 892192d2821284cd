"""The connections as a table: the open ones in the order they came, then those closed lately."""

from dataclasses import replace
from itertools import islice

from rich.style import Style

from app.session.connection import Connection, State
from app.tui import table, text
from app.tui.view import View

CLOSED_SHOWN = 200
WIDE = 50
"""Cells from which the accept queue is drawn, and called by its whole name."""
GAUGE = 8
"""Cells of the accept queue's gauge."""


def whose(view: View, connection: Connection) -> str:
    """Whose client it is: the number of ours, or external."""
    if connection.client is not None:
        return f"[{connection.client}]"
    if connection.peer in view.session.flood.peers:
        return "flood"
    return {True: "external", False: "", None: "?"}[view.session.is_external(connection, view.now)]


def state_style(view: View, connection: Connection) -> Style:
    """The colour of a connection's state."""
    palette = view.palette
    state, _ = view.condition(connection)
    if state is State.QUEUED:
        return palette.queued
    if state is State.HELD:
        return palette.held
    if state is State.WAITING:
        return palette.waiting
    return palette.good if state is State.QUIET else palette.dim


def worker(view: View, connection: Connection) -> str:
    """Which process serves it, and which thread if that is not the process's first."""
    if not connection.pid:
        return "none"
    return str(connection.pid) if connection.tid == connection.pid else f"{connection.pid}/{connection.tid}"


def in_kernel(view: View, connection: Connection) -> str:
    """The bytes that the server has not taken, and since when it has taken none of them."""
    if not connection.unread:
        return ""
    return f"{text.size(connection.unread)} {text.elapsed(max(view.now - connection.untaken_since, 0))}"


def unsent(view: View, connection: Connection) -> str:
    """The bytes that the server has sent, and the client's end has not taken yet."""
    return text.size(connection.unsent) if connection.unsent else ""


def gauge(queue: int, limit: int) -> str:
    """How full the accept queue is: any part of it shows."""
    filled = min(-(-GAUGE * queue // max(limit, 1)), GAUGE)
    return "█" * filled + "░" * (GAUGE - filled)


def unread_style(view: View, connection: Connection) -> Style:
    """Bytes that the kernel has and the server has not taken are a wait that shows."""
    return view.palette.waiting


Column = table.Column[Connection]
COLUMNS = (
    Column("#", 4, 0, lambda view, c: str(c.number), lambda view, c: view.palette.dim, right=True),
    Column("peer", 7, 0, lambda view, c: text.tail(text.peer(c.peer), 7)),
    Column("client", 8, 2, whose, lambda view, c: view.palette.accent),
    Column("state", 19, 1, lambda view, c: view.state(c), state_style),
    Column("recv", 6, 4, lambda view, c: text.count(c.recv), right=True),
    Column("send", 6, 4, lambda view, c: text.count(c.send), right=True),
    Column("bytes", 8, 7, lambda view, c: text.size(c.recv_bytes), right=True),
    Column("rtt", 8, 5, lambda view, c: text.duration(c.rtt), right=True),
    Column("rtt max", 8, 6, lambda view, c: text.duration(c.rtt_max), right=True),
    Column("unsent", 7, 4, unsent, unread_style, right=True),
    Column("in the kernel", 13, 3, in_kernel, unread_style, right=True),
    Column("worker", 13, 8, worker, lambda view, c: view.palette.dim),
)

WITH_UNSENT = tuple(replace(column, rank=1) if column.title == "unsent" else column for column in COLUMNS)
"""The same where somebody does not read what is sent: that is shown at every size."""


class ConnectionsPanel(table.TablePanel[Connection]):
    """One row for each connection."""

    TITLE = "Connections"
    COLUMNS = COLUMNS

    def fingerprint(self, view: View) -> tuple[object, ...]:
        return (view.session.changes, view.tenth)

    def prepare(self, view: View) -> None:
        session = view.session
        self.items = [*session.connections.values(), *islice(reversed(session.closed), CLOSED_SHOWN)]
        self.last = len(self.items)
        self.columns = WITH_UNSENT if any(c.unsent for c in session.connections.values()) else COLUMNS
        title = f"{self.TITLE}: {len(session.connections):,} open"
        if session.server and session.server.running and session.server.queue is not None:
            queue, limit = session.server.queue, session.server.queue_limit or 0
            wide = self.extent.width >= WIDE
            bar = f"{gauge(queue, limit)} " if queue and wide else ""
            title += f", {'accept queue' if wide else 'queue'} {bar}{queue} of {limit}"
            if session.server.dropped:
                title += f", {session.server.dropped:,} dropped"
        if session.totals.bye:
            title += f", {session.totals.bye:,} closed"
        self.title_text = title

    def plain(self, item: Connection) -> Style:
        assert self.view
        return self.view.palette.dim if item.closed_at else self.view.palette.text
