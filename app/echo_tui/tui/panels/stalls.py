"""The table of stalls: begin, length, cause, victims and line of code. Enter shows the snapshot."""

from collections import Counter
from collections.abc import Hashable
from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.message import Message

from echo_tui.diagnosis.stall import Stall
from echo_tui.tui import text
from echo_tui.tui.keys import STALLS
from echo_tui.tui.lines import file_line, no_line
from echo_tui.tui.panel import Line, wrap
from echo_tui.tui.table import Column, TablePanel
from echo_tui.tui.view import View
from echo_tui.words import panels
from echo_tui.words import stall_list as words
from echo_tui.words import stalls as words_of

TENTH = text.SECOND // 10
LINE = 22
"""Cells for the line of code, if there is room; long enough for asyncio_blocking.py:26."""
WHOLE = 100
"""The limit of characters per part when a stall is copied."""


def victims(stall: Stall) -> list[str]:
    """Return the victims by the begin of their waits, as numbers of our clients or as addresses."""
    longest_first = sorted(stall.victims.values(), key=lambda victim: victim.begin)
    names = [f"[{v.client}]" if v.client is not None else text.peer(v.peer) for v in longest_first]
    return names + [text.peer(peer) for peer in stall.unanswered]


def who_waits(stall: Stall, width: int) -> str:
    """Return as many victims as fit; addresses are shortened first."""
    longer, shorter, least = zip(*map(text.tails, victims(stall)), strict=True) if victims(stall) else ((), (), ())
    names = next((names for names in (longer, shorter) if len(" ".join(names)) <= width), least)
    return text.some(names, width)


def place(stall: Stall) -> str:
    """Return the file, line and function of the culprit; empty if they are not known."""
    where = stall.culprit.where if stall.culprit else None
    return f"{file_line(where)} {text.clean(where.function)}" if where else ""


def begin(view: View, stall: Stall, width: int) -> str:
    """Return when a stall began, cut to `width` cells."""
    return text.stamp(view.since_start(stall.begin))[:width]


def line_of_code(view: View, stall: Stall, width: int) -> str:
    """Return the culprit's place in at most `width` cells, keeping the line number; or why it is not known."""
    if not (whole := place(stall)):
        return text.first_that_fits(no_line(stall), width)
    return text.first_that_fits((whole, text.tail(whole.partition(" ")[0], width)), width)


def cause(stall: Stall, width: int) -> str:
    """Return the cause, and whether a block was injected, in the words that fit into `width` cells."""
    why, short = words_of.label(stall.cause), words_of.short(stall.cause)
    if not stall.injected:
        return text.first_that_fits((why, short), width)
    return text.first_that_fits(words.injected(why, short, words_of.shortest(stall.cause)), width)


def style(view: View, stall: Stall) -> Style:
    """Return the style of a row: open stalls and the chosen one stand out."""
    return view.palette.text if stall.end and stall.number != view.chosen_stall else view.palette.bad


def why_none(view: View) -> str:
    """Return the text of an empty list: that there was no stall, or why none can be found."""
    if why := view.session.missing.get("sockets"):
        return words.not_available(why)
    server, least = view.session.server, view.session.stalls.threshold
    if not (server and server.listening_at):
        return ""
    return words.none_so_far(text.duration(least))


def line_style(view: View, stall: Stall) -> Style:
    """Return the style of the line column; the reason for a missing line is dim."""
    return view.palette.accent if place(stall) else view.palette.dim


COLUMNS: tuple[Column[Stall], ...] = (
    Column("begin", 7, 2, style=lambda view, s: view.palette.dim, most=9, fitted=begin),
    Column("length", 7, 0, lambda view, s: view.length(s), style, right=True),
    Column("cause", 15, 2, style=style, most=20, fitted=lambda view, s, width: cause(s, width)),
    Column("who-waits", 9, 1, grows=True, most=12, fitted=lambda view, s, width: who_waits(s, width)),
    Column("line", 10, 3, style=line_style, grows=True, wants=LINE, fitted=line_of_code),
)


class StallsPanel(TablePanel[Stall]):
    """The panel with one row for each stall, the latest at the end; the chosen one with its length known by now."""

    TITLE = "stalls"
    COLUMNS = COLUMNS
    FOLLOWS = True
    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in STALLS]

    class Gone(Message):
        """The message that the snapshot of a stall is to be shown."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def fingerprint(self, view: View) -> Hashable:
        stalls = view.session.stalls
        going = tuple((s.number, s.end, s.cause, len(s.victims), bool(s.located_at)) for s in stalls.going.values())
        known = tuple((view.whole(stall).end, view.lasted(stall) // TENTH) for stall in stalls.going.values())
        listens = bool(view.session.server and view.session.server.listening_at)
        none = (listens, view.session.missing.get("sockets"))
        return (len(stalls.all), stalls.totals.total(), going, known, none, view.chosen_stall)

    def prepare(self, view: View) -> None:
        stalls = view.session.stalls
        self.items = [view.whole(stall) for stall in stalls.all]
        self.last = len(self.items)
        title = panels.title(self.TITLE)
        if self.items:
            pairs = zip(self.items, stalls.all, strict=True)
            ended = Counter(item.cause for item, stall in pairs if item.end and not stall.end)
            causes = [(count, words_of.label(each)) for each, count in (stalls.totals + ended).most_common(3)]
            titles = words.titles(causes, sum(not stall.end for stall in self.items))
            title = text.first_that_fits(titles, self.extent.width - 2)
        elif view.session.missing.get("sockets"):
            title = words.title_not_available()
        self.title_text = title

    def row(self, y: int, width: int) -> Line:
        if not self.items and y >= self.HEADED:
            assert self.view
            shown = dict(enumerate(wrap(why_none(self.view), width), self.HEADED)).get(y, "")
            return [(shown, self.view.palette.dim)]
        return super().row(y, width)

    def copied(self, index: int) -> str:
        stall = self.items[index]
        assert self.view
        when = f"{begin(self.view, stall, WHOLE)} {self.view.length(stall)}"
        said = f"{when} {cause(stall, WHOLE)}: {words_of.sentence(stall.cause)}"
        return f"{said} {words.waiting(text.some(victims(stall), WHOLE))} {place(stall)}".rstrip()

    @property
    def chosen(self) -> Stall | None:
        """The stall under the cursor; None if the list is empty."""
        return self.items[self.cursor] if self.first <= self.cursor < self.last else None

    def action_go_there(self) -> None:
        if self.chosen:
            self.post_message(self.Gone(self.chosen.number))

    def pressed(self, index: int, again: bool) -> None:
        if again:
            self.action_go_there()
