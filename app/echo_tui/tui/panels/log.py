"""The event log: the server's events, in the article's words."""

from echo_servers.block import BlockSetting
from echo_servers.records import (
    Block,
    Bye,
    Listening,
    Lost,
    New,
    Note,
    Record,
    Recv,
    Send,
    ThreadCount,
    Unblock,
    address_name,
)

from echo_tui.model.event_log import LogEntry, Unlisted
from echo_tui.model.observations import BlockSet, ClientsLost, Flooding, Output, OutputHeld, ServerExited, ServerStarted
from echo_tui.model.server import ServerState
from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel, StyledText, wrap
from echo_tui.tui.view import View
from echo_tui.words import clients, panels
from echo_tui.words import events as words_of

MOST_ROWS = 4
"""The limit of rows per entry, as an entry from a server may have any length."""


def sentence(record: Record, peer: str) -> tuple[str, str]:
    """Return a record in words, and the name of its style in the palette."""
    match record:
        case New():
            return words_of.event(New, peer=peer), "good"
        case Recv():
            return words_of.event(Recv, payload=text.payload(record.head, record.size), peer=peer), "text"
        case Send():
            return words_of.event(Send, payload=text.payload(record.head, record.size), peer=peer), "accent"
        case Unlisted():
            return words_of.unlisted(record.echoes, record.connections), "faint"
        case Bye():
            why = f" ({text.clean(record.error)})" if record.error else ""
            return words_of.event(Bye, peer=peer) + why, "dim"
        case Block():
            return words_of.event(Block, block=BlockSetting(record.kind, record.seconds), peer=peer), "waiting"
        case Unblock():
            return words_of.event(Unblock, peer=peer), "waiting"
        case Listening():
            address = text.clean(address_name(record.host, record.port))
            return words_of.event(Listening, address=address, backlog=record.backlog), "dim"
        case Note():
            return words_of.note(record.code, text.clean(record.text)), "waiting"
        case ThreadCount():
            return words_of.event(ThreadCount, count=record.count), "text"
        case Lost():
            return words_of.event(Lost, events=words_of.events(record.events)), "bad"
        case ClientsLost():
            return words_of.event(ClientsLost, records=words_of.records(record.records)), "bad"
        case Output():
            return words_of.event(Output, stream=record.stream, text=text.clean(record.text)), "dim"
        case OutputHeld():
            return words_of.switched(OutputHeld, record.held), "waiting"
        case Flooding():
            why = text.clean(clients.ending(record.why, record.about))
            return words_of.event(Flooding, count=record.count, why=why), "waiting"
        case ServerStarted():
            return words_of.event(ServerStarted, pattern=record.pattern, pid=record.pid), "dim"
        case ServerExited():
            return ending(record), "dim" if record.wanted else "bad"
        case BlockSet():
            block = BlockSetting(record.kind, record.seconds, record.every)
            only = words_of.only(record.only) if record.on and record.only else ""
            return words_of.switched(BlockSet, record.on, block=f"{block}{only}"), "dim"
    return str(record), "dim"


def ending(ended: ServerExited | ServerState) -> str:
    """Return in words how a server ended: its exit code, or the signal."""
    return words_of.ending(ended.code, ended.wanted)


class LogPanel(Panel):
    """The panel with the last 10,000 entries; it follows the end until scrolled back."""

    TITLE = "events"
    FOLLOWS = True

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._page: list[LogEntry] = []
        self._page_from = -1
        self._laid: list[tuple[int, Line]] = []

    def fingerprint(self, view: View) -> tuple[object, ...]:
        server = view.session.server
        return (view.session.log.total, view.session.totals.lost, server and server.reports)

    def prepare(self, view: View) -> None:
        log = view.session.log
        self.first, self.last = log.first, log.total
        totals = view.session.totals
        reported = view.session.server is None or view.session.server.reports
        title, received, sent = panels.title(self.TITLE), text.count(totals.recv), text.count(totals.send)
        self.title_text = words_of.title(title, reported, received, sent)
        self._page = []
        self._page_from = -1

    def lay(self) -> None:
        # Entries with several rows may push the entry to show below the last row.
        laid = self._filled(range(self.top, self.last))
        if self.following or all(index != self.cursor for index, _ in laid):
            laid = self._filled(range(self.cursor, self.first - 1, -1))[::-1]
        self._laid = laid

    def _filled(self, indices: range) -> list[tuple[int, Line]]:
        """Return the rows of these entries, as many as fit; with a negative step from the bottom up."""
        rows: list[tuple[int, Line]] = []
        for index in indices:
            if len(rows) >= self.rows:
                break
            rows += [(index, line) for line in self._wrapped(index, self.extent.width)[:: indices.step]]
        return rows[: self.rows]

    def at(self, y: int, width: int) -> tuple[int, Line] | None:
        return self._laid[y] if y < len(self._laid) else None

    def shown_lines(self) -> tuple[int, int]:
        indices = [index for index, _ in self._laid]
        return (indices[0], indices[-1] + 1) if indices else (self.first, self.first)

    def line(self, index: int, width: int) -> Line:
        entry = self._entry(index)
        return list(self._said(entry, width)) if entry else []

    def _wrapped(self, index: int, width: int) -> list[Line]:
        """Return an entry wrapped to rows of this width; received and sent bytes stay on one row."""
        entry = self._entry(index)
        if entry is None:
            return []
        when, (words, style) = self._said(entry, width)
        indent = len(when[0])
        if indent + len(words) <= width or isinstance(entry[0], Recv | Send):
            return [[when, (words, style)]]
        first, *more = wrap(words, width - indent)
        if len(more) >= MOST_ROWS:
            more[MOST_ROWS - 2 :] = [" ".join(more[MOST_ROWS - 2 :])]
        return [[when, (first, style)], *([(" " * indent, style), (part, style)] for part in more)]

    def _said(self, entry: LogEntry, width: int) -> tuple[StyledText, StyledText]:
        """Return the time of an entry, and its words."""
        assert self.view
        record, peer = entry
        short = width < 56
        peer = text.clean(text.peer(peer) if short else peer)
        words, kind = sentence(record, peer)
        palette = self.view.palette
        moment = text.stamp(self.view.since_start(record.at))
        return (f"{moment[:-2] if short else moment} ", palette.faint), (words, getattr(palette, kind))

    def _entry(self, index: int) -> LogEntry | None:
        # Reading from the middle of a deque is O(n) (docs of collections.deque), so the visible page is copied once.
        begin, end = self.top, self.top + self.rows
        if not begin <= index < end:
            return None
        if self._page_from != begin or len(self._page) < min(end, self.last) - begin:
            assert self.view
            self._page = list(self.view.session.log.slice(begin, end))
            self._page_from = begin
        offset = index - begin
        return self._page[offset] if offset < len(self._page) else None
