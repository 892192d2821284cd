"""The row of a recording: whether it plays and how fast, where it is, where its stalls are. A click goes there."""

from collections.abc import Hashable

from rich.style import Style
from textual import events
from textual.message import Message

from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.playback import Playback
from echo_tui.tui.view import View
from echo_tui.words import recording as words

LEAST = 20
"""The least cells of the bar."""
PLAYED, COMING, STALL, HERE = "━", "─", "▲", "┃"


class SeekBar(Panel, can_focus=False):
    """The panel of one row."""

    SELECTS = False

    class Sought(Message):
        """The user has clicked at a time (ns)."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._bar = range(0)
        """The columns of the bar."""

    def fingerprint(self, view: View) -> Hashable:
        play = view.playback
        return play and (play.now // 100_000_000, play.end, play.speed, play.paused, play.share, len(play.stalls))

    def prepare(self, view: View) -> None:
        self.last = 1

    def line(self, index: int, width: int) -> Line:
        play = self.view.playback if self.view else None
        if not self.view or not play:
            return []
        palette = self.view.palette
        passed = sum(1 for at in play.stalls if at <= play.now)
        sign = words.PLAYS if not play.paused else words.ENDED if play.now >= play.end else words.PAUSED
        left: Line = [
            (f"{sign} {words.speed(play.speed)}  ", palette.accent),
            (f"{text.clock(play.now - play.begin)}.{(play.now - play.begin) // 100_000_000 % 10} ", palette.strong),
        ]
        right: Line = [(f" {text.clock(play.length)}  ", palette.dim)]
        right.append((words.stall_of(passed, len(play.stalls)), palette.bad if play.stalls else palette.dim))
        if play.share < 1:
            right.append((f"  {words.reading(int(play.share * 100))}", palette.waiting))
        elif play.damaged:
            right.append((f"  {words.cut_off()}", palette.waiting))
        room = max(width - sum(len(part) for part, _ in left + right), LEAST)
        begin = sum(len(part) for part, _ in left)
        self._bar = range(begin, begin + room)
        return [*left, *self._cells(play, room), *right]

    def _cells(self, play: Playback, width: int) -> Line:
        assert self.view
        palette, here = self.view.palette, play.column(play.now, width)
        cells: list[tuple[str, Style]] = [(PLAYED, palette.accent)] * here + [(COMING, palette.faint)] * (width - here)
        for at in play.stalls:
            cells[play.column(at, width)] = (STALL, palette.bad)
        cells[here] = (HERE, palette.strong)
        return cells

    def on_click(self, event: events.Click) -> None:
        event.stop()
        offset = event.get_content_offset(self)
        play = self.view.playback if self.view else None
        if offset is not None and play and offset.x in self._bar:
            self.post_message(self.Sought(play.at(offset.x - self._bar.start, len(self._bar))))
