"""The timeline of the last seconds, one lane for each connection; each state has a shape and a colour."""

from collections.abc import Mapping
from itertools import islice

from echo_servers.block import WORDS
from echo_servers.fixes import KEEP_THE_GIL
from rich.style import Style
from textual import events

from echo_tui.diagnosis.stall import Stall
from echo_tui.model.blocks import KEEPS_GIL
from echo_tui.model.connection import Connection
from echo_tui.tui import text
from echo_tui.tui.lanes import TALL, TALLEST, Window, lane, spans
from echo_tui.tui.lines import UNBLAMED, Texts, file_line, no_line, source_line
from echo_tui.tui.panel import Line, Panel, pad
from echo_tui.tui.panels.connections import state_style
from echo_tui.tui.panels.seek import SeekBar
from echo_tui.tui.server_lane import server_lane
from echo_tui.tui.view import View
from echo_tui.words import panels as words
from echo_tui.words import states, talk
from echo_tui.words.connections import open_or_closed
from echo_tui.words.stalls import label, sentence, short

SPANS = tuple(seconds * text.SECOND for seconds in (5, 10, 30, 60, 120, 300))
"""The spans of time that the timeline can show (ns)."""
LABEL = 13
STATE, WIDE_STATE = 20, 26
"""Cells for the present state of a connection, and where the panel is at least `ROOMY` wide."""
ROOMY = 90

TOGETHER = text.SECOND // 10
"""Waits that begin within this time (ns) of the first one count as simultaneous."""

APART = " ── "
"""Separates the text of the lower border from the position of the window."""


class TimelinePanel(Panel):
    """The panel with the lanes of connections at the top, the server's lane and the scale at the bottom."""

    TITLE = "timeline"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lanes: list[Connection] = []
        self._cells: dict[int, bytearray] = {}
        """The lanes drawn so far, by their index; each has several rows."""
        self._stalls: list[Stall] = []
        self._tall = 1
        """The number of rows of each lane."""

    @property
    def rows(self) -> int:
        return max(self._height // self._tall, 1)

    @property
    def _height(self) -> int:
        """The number of rows for lanes."""
        return max(self.extent.height - 2, 1)

    @property
    def columns(self) -> int:
        """The number of columns of a lane."""
        return max(self.extent.width - LABEL - self.state_width, 1)

    @property
    def state_width(self) -> int:
        """Cells for the present state of each connection."""
        return STATE if self.extent.width < ROOMY else WIDE_STATE

    def fingerprint(self, view: View) -> tuple[object, ...]:
        stalls, blamed = (
            view.session.stalls,
            view.stall and (view.stall.cause, view.stall.culprit, view.length(view.stall)),
        )
        end = self.window(view).end
        return (
            view.session.changes,
            end,
            view.span,
            len(stalls.all),
            len(stalls.going),
            blamed,
            view.before,
            view.tenth,
        )

    def window(self, view: View) -> Window:
        """Return the span of time on screen."""
        return Window(view.now, self.columns, view.span)

    def prepare(self, view: View) -> None:
        session = view.session
        oldest = view.now - view.span  # a closed connection keeps its lane for as long as the timeline reaches back
        closed = [c for c in islice(reversed(session.connections.closed), 100) if c.closed_at >= oldest]
        open_ = list(session.connections.values())
        if len(open_) > self._height:
            open_ = longest_first(open_, view.pending)
        self._lanes = [*open_, *closed]
        self._cells = {}
        self.last = len(self._lanes)
        self._tall = min(max(self._height // max(self.last, 1), 1), TALLEST if view.on_stage else TALL)
        self.title_text = words.timeline(view.span // text.SECOND)
        self.set_class(bool(view.stall), "stalled")
        begin = self.window(view).begin
        self._stalls = [stall for stall in session.stalls.all if not stall.end or stall.end >= begin]

    def at(self, y: int, width: int) -> tuple[int, Line] | None:
        index, above = self.top + y // self._tall, y % self._tall
        if not self.first <= index < self.last:
            return None
        below = self._tall - 1 - above
        return index, self._upper(index, above, below) if below else self.line(index, width)

    def _upper(self, index: int, above: int, below: int) -> Line:
        """Return a row of a lane above its lowest one, which has the names."""
        assert self.view
        shapes = spans(self._lane(self.view, index), self.view.palette, above, below)
        return [(" " * LABEL, Style.null()), *shapes]

    def _lane(self, view: View, index: int) -> bytearray:
        if index not in self._cells:
            connection = self._lanes[index]
            blocked_since = view.session.thread_blocked_since(connection)
            self._cells[index] = lane(connection, self.window(view), view.now, blocked_since, self._stalls)
        return self._cells[index]

    def line(self, index: int, width: int) -> Line:
        assert self.view
        view, connection = self.view, self._lanes[index]
        palette = view.palette
        who = f"[{connection.client}]" if connection.client is not None else f"#{connection.number}"
        space = LABEL - len(who) - 2
        label = pad(text.tail(text.peer(connection.peer), space), space)
        room = self.state_width - 1
        chosen = view.client is not None and connection.client == view.client
        return [
            (who + " ", palette.accent if connection.client is not None else palette.text),
            (label + " ", palette.strong if chosen else palette.text),
            *spans(self._lane(view, index), palette, self._tall - 1, 0),
            (" " + pad(view.state(connection, room), room), state_style(view, connection)),
        ]

    def whole(self, begin: int, end: int, total: int) -> str:
        return open_or_closed(len(self.view.session.connections) if self.view else total, begin, end, total)

    def place(self) -> str:
        """Return the text of the lower border: the line to blame or the cause, and the window's position if it fits."""
        stall, width = self.view.stall if self.view else None, self.extent.width - 2
        if not stall:
            before = self.view.before if self.view else ""
            parts = [before, super().place()]
            return text.first_that_fits((APART.join(part for part in parts if part), before or parts[1]), width)
        parts = [blame(stall, width, self.view.texts if self.view else None), super().place()]
        return text.first_that_fits((APART.join(part for part in parts if part), parts[0]), width)

    def row(self, y: int, width: int) -> Line:
        height = self.extent.height
        if height > 2 and y >= height - 2:
            return self._server() if y == height - 2 else self._scale()
        if self.last == self.first:
            return self._hint(y)
        return super().row(y, width)

    def on_click(self, event: events.Click) -> None:
        """Choose the lane; in a recording, also go to the time of the column."""
        super().on_click(event)
        offset, view = event.get_content_offset(self), self.view
        if view and view.playback and offset is not None and 0 <= offset.x - LABEL < self.columns:
            window = self.window(view)
            self.post_message(SeekBar.Sought(window.begin + window.step * (offset.x - LABEL)))

    def _hint(self, y: int) -> Line:
        """Return a row of the hint on what to do while there is no connection."""
        assert self.view
        server = self.view.session.server
        hint = [words.choose_a_pattern(self.view.keys["start"])]
        if self.view.badge:
            hint = [words.nobody_yet(bool(server and server.listening_at))]
        elif server and server.listening_at:
            command = talk.connect(server.reachable_from(self.view.lan), server.port)
            hint = [*words.nobody_connected(self.view.keys["new"]), command]
        elif server and server.running:
            hint = [words.not_listening(bool(self.view.started and self.view.started.serves))]
        return [(hint[y], self.view.palette.dim)] if y < len(hint) else []

    def _server(self) -> Line:
        assert self.view
        said, style = self._now(self.view)
        label: Line = [(pad(words.server_lane(), LABEL), self.view.palette.strong)]
        state: Line = [(" " + pad(said, self.state_width - 1), style)]
        return [*label, *server_lane(self.view, self.window(self.view), self._stalls), *state]

    def _now(self, view: View) -> tuple[str, Style]:
        """Return the stall or the blocking calls of the server now, in words, with their style; empty without any."""
        stall = view.stall
        if stall and (view.frozen or not stall.end):
            lasted, why = view.length(stall), label(stall.cause)
            wordings = (f"{why} {lasted}", f"{short(stall.cause)} {lasted}")
            return text.first_that_fits(wordings, self.state_width - 1), view.palette.bad
        if not (running := view.session.blocks.running.values()):
            return "", view.palette.waiting
        first = min(running, key=lambda span: span.begin)
        word = WORDS.get(first.kind, first.kind)
        processes = len({span.pid for span in running})
        if first.kind in KEEP_THE_GIL and processes > 1:
            return states.cores_compute(processes), view.palette.waiting
        if not any(span.stops_all for span in running):
            # In each process only one thread holds the GIL at a time.
            count = processes if first.kind == KEEPS_GIL else len(running)
            return states.several_calls(count, word), view.palette.waiting
        counted = states.remaining(word, (view.now - first.begin) / text.SECOND, first.seconds)
        return text.first_that_fits(counted, self.state_width - 1), view.palette.waiting

    def _scale(self) -> Line:
        assert self.view
        width, span = self.columns, self.view.span // text.SECOND
        marks = list(" " * width)
        free = width + 1
        for seconds in range(0, span, max(span // (6 if width >= 60 else 3), 1)):
            mark = words.mark(seconds)
            begin = width - round(seconds / span * width) - len(mark)
            if begin >= 0 and begin + len(mark) < free:  # keep a space between two marks
                marks[begin : begin + len(mark)] = mark
                free = begin
        legend = "".join(marks[:width])
        return [(" " * LABEL, Style.null()), (legend, self.view.palette.faint)]


def longest_first(connections: list[Connection], pending: Mapping[int, int]) -> list[Connection]:
    """Sort the waiting connections first, the longest wait first; simultaneous ones by their numbers.

    `pending` has since when (ns) those that wait have waited, by their numbers.
    """
    if not pending:
        return connections
    waiting = [(pending[connection.number], connection) for connection in connections if connection.number in pending]
    begin, ranked = 0, []
    for since, connection in sorted(waiting, key=lambda each: each[0]):
        begin = since if since - begin > TOGETHER else begin
        ranked.append((begin, connection))
    ranked.sort(key=lambda each: (each[0], *number(each[1])))
    others = [connection for connection in connections if connection.number not in pending]
    return [*(connection for _, connection in ranked), *others]


def number(connection: Connection) -> tuple[bool, int]:
    """Return the sort key of a lane's number, our clients first."""
    if connection.client is None:
        return True, connection.number
    return False, connection.client


def blame(stall: Stall, width: int, texts: Texts = None) -> str:
    """Return the culprit's line, and its caller if it fits; without a line to blame, the cause."""
    own = stall.culprit.calls if stall.culprit else []
    if stall.cause in UNBLAMED or not own:
        reason = sentence(stall.cause).rstrip(".")
        whole = [words.cause_without_line(reason, why) for why in no_line(stall)]
        return text.first_that_fits((*whole, reason, reason.partition(",")[0], label(stall.cause)), width)
    line = f"{file_line(own[0])} {source_line(own[0], texts)}"
    callers = [words.called_at(file_line(frame)) for frame in own[1:2]]
    return pad(text.first_that_fits((", ".join([line, *callers]), line), width), width).rstrip()
