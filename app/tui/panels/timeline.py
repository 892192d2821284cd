"""The last seconds, one lane for each connection: each state has a shape and a colour."""

from itertools import groupby, islice, takewhile

from rich.style import Style

from app.session.connection import Connection, State
from app.tui import text
from app.tui.palette import Palette
from app.tui.panel import Line, Panel, pad
from app.tui.panels.connections import state_style
from app.tui.view import NOTICED, View
from servers.block import WORDS

SPAN = 30 * text.SECOND
LABEL = 13
STATE = 20
LINGER = SPAN
"""A closed connection keeps its lane for as long as the timeline reaches back."""

NOTHING, QUIET, SERVED, WAITING, QUEUED, LEFT, BLOCKED, HELD, PARTLY = range(9)
SHAPES = " ─▄▇░╌█▒▂"
PAINTED = {State.QUEUED: QUEUED, State.WAITING: WAITING, State.HELD: HELD}


class Window:
    """The span of time on screen, cut into columns at fixed moments so that the picture moves a column at a time."""

    def __init__(self, now: int, width: int, span: int = SPAN) -> None:
        self.width = max(width, 1)
        self.step = max(span // self.width, 1)
        self.end = (now // self.step + 1) * self.step
        self.begin = self.end - self.step * self.width

    def column(self, at: int) -> int:
        """The column a moment falls into, within the window's edges."""
        return min(max((at - self.begin) // self.step, 0), self.width)

    def paint(self, cells: bytearray, begin: int, end: int, value: int) -> None:
        """Fill the columns a span touches."""
        if end < self.begin or begin >= self.end:
            return
        first, last = self.column(begin), min(self.column(end) + 1, self.width)
        cells[first:last] = bytes([value]) * (last - first)


def lane(connection: Connection, window: Window, now: int, held_since: int = 0) -> bytearray:
    """A connection's lane: one value for each column."""
    cells = bytearray(window.width)
    opened = connection.accepted_at or connection.opened_at
    ended = connection.closed_at or now
    window.paint(cells, opened, min(connection.left_at or ended, ended), QUIET)
    if connection.left_at:
        window.paint(cells, connection.left_at, ended, LEFT)
    for column in range(window.column(opened), min(window.column(ended) + 1, window.width)):
        begin = window.begin + column * window.step
        if connection.activity.between(begin, begin + window.step):
            cells[column] = SERVED
    recent = takewhile(lambda wait: wait.end >= window.begin, reversed(connection.waits))
    for wait in sorted(recent, key=lambda wait: wait.state is not State.HELD):
        window.paint(cells, wait.begin, wait.end, PAINTED[wait.state])
    if held_since:
        window.paint(cells, held_since, now, HELD)
    since = connection.pending_since
    if since and (now - since >= NOTICED or not connection.accepted_at):
        window.paint(cells, since, now, WAITING if connection.accepted_at else QUEUED)
    return cells


def spans(cells: bytearray, palette: Palette) -> Line:
    """A lane as coloured shapes."""
    styles = (
        palette.text, palette.faint, palette.good, palette.waiting, palette.queued, palette.faint, palette.waiting,
        palette.held, palette.waiting,
    )  # fmt: skip
    return [(SHAPES[value] * len(list(run)), styles[value]) for value, run in groupby(cells)]


class TimelinePanel(Panel):
    """Connections from the top, the server's own lane and the scale at the bottom."""

    TITLE = "Timeline: the last 30 s"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lanes: list[Connection] = []

    @property
    def rows(self) -> int:
        return max(self.extent.height - 2, 1)

    @property
    def columns(self) -> int:
        """Columns that time has."""
        return max(self.extent.width - LABEL - self.state_width, 1)

    @property
    def state_width(self) -> int:
        """Cells for what each connection does now."""
        return STATE

    def fingerprint(self, view: View) -> tuple[object, ...]:
        return (view.session.changes, Window(view.now, self.columns).end, view.tenth)

    def prepare(self, view: View) -> None:
        session = view.session
        oldest = view.now - LINGER
        closed = [c for c in islice(reversed(session.closed), 100) if c.closed_at >= oldest]
        open_ = list(session.connections.values())
        if len(open_) > self.rows:
            open_.sort(key=lambda c: c.pending_since or view.now)
        self._lanes = [*open_, *closed]
        self.last = len(self._lanes)

    def line(self, index: int, width: int) -> Line:
        assert self.view
        view, connection = self.view, self._lanes[index]
        palette = view.palette
        window = Window(view.now, self.columns)
        who = f"[{connection.client}]" if connection.client is not None else f"#{connection.number}"
        label = pad(text.peer(connection.peer), LABEL - len(who) - 2)
        chosen = view.client is not None and connection.client == view.client
        return [
            (who + " ", palette.accent if connection.client is not None else palette.text),
            (label + " ", palette.strong if chosen else palette.text),
            *spans(lane(connection, window, view.now, view.session.held_since(connection)), palette),
            (" " + pad(view.state(connection), self.state_width - 1), state_style(view, connection)),
        ]

    def row(self, y: int, width: int) -> Line:
        height = self.extent.height
        if height > 2 and y >= height - 2:
            return self._server() if y == height - 2 else self._scale()
        if self.last == self.first:
            return self._hint(y)
        return super().row(y, width)

    def _hint(self, y: int) -> Line:
        """What to do while there is nobody."""
        assert self.view
        server = self.view.session.server
        words = [f"Choose a pattern and press {self.view.keys['start']}."]
        if server and server.listening_at:
            words = ["Nobody is connected.", f"{self.view.keys['new']} opens a client here; from another terminal:",
                     f"nc {server.host} {server.port}"]  # fmt: skip
        elif server and server.running:
            words = ["Starting ..." if self.view.started and self.view.started.serves else "It does not listen."]
        return [(words[y], self.view.palette.dim)] if y < len(words) else []

    def _server(self) -> Line:
        assert self.view
        view, palette = self.view, self.view.palette
        window = Window(view.now, self.columns)
        cells = bytearray(window.width)
        server = view.session.server
        if server:
            window.paint(cells, server.started_at, server.exited_at or view.now, QUIET)
        said = " " * self.state_width
        for block in sorted(view.session.blocks, key=lambda span: span.stops_all):
            window.paint(cells, block.begin, block.end or view.now, BLOCKED if block.stops_all else PARTLY)
        if spans_now := view.session.blocking.values():
            first = min(spans_now, key=lambda span: span.begin)
            words = f"{WORDS.get(first.kind, first.kind)} {text.elapsed(view.now - first.begin)}"
            if not any(span.stops_all for span in spans_now):
                words = f"{len(spans_now)} in {WORDS.get(first.kind, first.kind)}"
            said = " " + pad(words, self.state_width - 1)
        line: Line = [(pad("server", LABEL), palette.strong), *spans(cells, palette), (said, palette.waiting)]
        return self._written(line, window)

    def _written(self, line: Line, window: Window) -> Line:
        """The server's lane with the length of each block written into it, where there is room."""
        assert self.view
        words = {window.column(b.begin): b for b in self.view.session.blocks if b.stops_all and b.end > window.begin}
        place = 0
        written: Line = []
        for shown, style in line[1:-1]:
            block = words.get(place)
            if SHAPES[BLOCKED] in shown and block:
                note = f" {WORDS.get(block.kind, block.kind)} {text.duration(block.end - block.begin)} "
                if len(note) <= len(shown):
                    written.append((note, self.view.palette.blocked))
                    shown, place = shown[len(note) :], place + len(note)
            written.append((shown, style))
            place += len(shown)
        return [line[0], *written, line[-1]]

    def _scale(self) -> Line:
        assert self.view
        width = self.columns
        marks = list(" " * width)
        for seconds in range(0, 30, 5 if width >= 60 else 10):
            place = width - 1 - round(seconds / 30 * width)
            mark = "now" if seconds == 0 else f"-{seconds} s"
            begin = max(place - len(mark) + 1, 0)
            marks[begin : begin + len(mark)] = mark
        legend = "".join(marks[:width])
        return [(" " * LABEL, Style.null()), (legend, self.view.palette.faint)]
