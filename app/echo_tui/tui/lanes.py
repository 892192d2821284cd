"""The lanes of the timeline: the states of a connection, one for each column of time."""

from collections.abc import Iterable
from itertools import groupby, takewhile

from rich.style import Style

from echo_tui.diagnosis.stall import Stall
from echo_tui.model.connection import Connection
from echo_tui.model.remembered import State
from echo_tui.tui.palette import Palette
from echo_tui.tui.panel import Line
from echo_tui.tui.view import NOTICED

NOTHING, QUIET, SERVED, WAITING, QUEUED, LEFT, BLOCKED, THREAD_BLOCKED, PARTLY, STALLED, LEFT_OUT = range(11)
SHAPES = " ─▃▆░╌▆▒▂█▓"
"""Served, waiting and stalled have three heights, so that the back row can tell them apart without colour."""
UPPER = "   █░ █ ▓█▓"
"""What fills the rows of a lane above its lowest one; lines and low bars have nothing there."""
TALL, TALLEST = 2, 3
"""The most rows of a lane, and in the layout for an audience."""
PAINTED = {State.QUEUED: QUEUED, State.WAITING: WAITING, State.THREAD_BLOCKED: THREAD_BLOCKED}


class Window:
    """The visible span of time, cut into columns at fixed times so that it scrolls a whole column at a time."""

    def __init__(self, now: int, width: int, span: int) -> None:
        self.width = max(width, 1)
        self.step = max(span // self.width, 1)
        self.end = (now // self.step + 1) * self.step
        self.begin = self.end - self.step * self.width

    def column(self, at: int) -> int:
        """Return the column of a time, clamped to 0 and `width`."""
        return min(max((at - self.begin) // self.step, 0), self.width)

    def columns(self, begin: int, end: int) -> range:
        """Return the columns that a span of time touches."""
        if end < self.begin or begin >= self.end:
            return range(0)
        return range(self.column(begin), min(self.column(end) + 1, self.width))

    def paint(self, cells: bytearray, begin: int, end: int, value: int) -> None:
        """Set the columns that a span of time touches to a value."""
        those = self.columns(begin, end)
        cells[those.start : those.stop] = bytes([value]) * len(those)


def lane(
    connection: Connection, window: Window, now: int, thread_blocked_since: int = 0, stalls: Iterable[Stall] = ()
) -> bytearray:
    """Return a connection's lane, one value per column. `stalls` are those it may be a victim of."""
    cells = bytearray(window.width)
    opened = connection.accepted_at or connection.opened_at
    ended = connection.closed_at or now
    window.paint(cells, opened, min(connection.left_at or ended, ended), QUIET)
    if connection.left_at:
        window.paint(cells, connection.left_at, ended, LEFT)
    if connection.activity.between(window.begin, window.end):  # most connections of most servers are quiet
        for column in range(window.column(opened), min(window.column(ended) + 1, window.width)):
            begin = window.begin + column * window.step
            if connection.activity.between(begin, begin + window.step):
                cells[column] = SERVED
    recent = takewhile(lambda wait: wait.end >= window.begin, reversed(connection.waits))
    for wait in sorted(recent, key=lambda wait: wait.state is not State.THREAD_BLOCKED):
        window.paint(cells, wait.begin, wait.end, PAINTED[wait.state])
    if thread_blocked_since:
        window.paint(cells, thread_blocked_since, now, THREAD_BLOCKED)
    since = connection.pending_since
    if since and (now - since >= NOTICED or not connection.accepted_at):
        window.paint(cells, since, now, WAITING if connection.accepted_at else QUEUED)
    for stall in stalls:
        if victim := stall.victims.get(connection.number):
            begin, end = max(victim.begin, stall.begin), victim.end or stall.end or now
            window.paint(
                cells, begin, min(end, stall.end or now), STALLED if accepted_before(connection, begin) else LEFT_OUT
            )
    return cells


def accepted_before(connection: Connection, at: int) -> bool:
    """Return whether the server had accepted a connection at a time (ns)."""
    return bool(connection.accepted_at and connection.accepted_at <= at)


def styles(palette: Palette) -> tuple[Style, ...]:
    """Return the style of each lane value."""
    return (
        palette.text, palette.faint, palette.good, palette.waiting, palette.queued, palette.faint, palette.waiting,
        palette.warning, palette.waiting, palette.bad, palette.bad,
    )  # fmt: skip


def spans(cells: bytearray, palette: Palette, above: int = 0, below: int = 0) -> Line:
    """Return one row of a lane as coloured shapes, given how many rows of the lane are above and below it."""
    colours = styles(palette)
    return [(_shape(value, above, below) * len(list(run)), colours[value]) for value, run in groupby(cells)]


def _shape(value: int, above: int, below: int) -> str:
    """Return the shape of a value: its own in the highest row that it fills, and a full one below that."""
    if below:
        return SHAPES[value] if UPPER[value] != " " and not above else UPPER[value]
    return UPPER[value] if above and UPPER[value] != " " else SHAPES[value]
