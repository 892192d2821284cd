"""The isolation matrix as a screen: it fills in cell by cell, and Enter on a cell shows its stall."""

import asyncio
import time
from collections.abc import Callable, Iterable
from itertools import product
from typing import TYPE_CHECKING, ClassVar, cast

from echo_servers.block import KINDS, WORDS
from echo_servers.catalog import PATTERNS, Pattern, find
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.screen import Screen
from textual.widgets import DataTable, Static

from echo_tui.experiments.cell import Cell, Effect
from echo_tui.experiments.expected import expected
from echo_tui.experiments.measure import Measured, measure_all
from echo_tui.experiments.parameters import CellParameters
from echo_tui.experiments.report import MARKS, SERVED, SURPRISE, WAITS, briefly, meanwhile, where_it_came
from echo_tui.tui import text
from echo_tui.tui.closing import close_once
from echo_tui.tui.palette import Palette
from echo_tui.tui.panel import pad
from echo_tui.words import matrix as words
from echo_tui.words.stalls import label

if TYPE_CHECKING:
    from echo_tui.tui.picture import Picture

NAME = 22
"""Width of the column of pattern names, with a space."""
LEAST = 12
"""The minimal width of a cell."""
WIDEST = 28
"""The maximal width of a cell's words and mark."""
Place = tuple[str, str]
"""A pattern's name and a kind of block."""
PLACES: tuple[Place, ...] = tuple((pattern.name, kind) for pattern in PATTERNS for kind in KINDS)


class MatrixScreen(Screen[Measured | None]):
    """The screen of the isolation matrix. Its result is the cell whose stall is to be shown, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "measure_all"),
        Binding("space", "measure_row"),
        Binding("escape,q,w", "back"),
    ]

    def __init__(
        self,
        measured: dict[Place, Measured],
        parameters: CellParameters,
        stop: Callable[[], None],
        at: Place = PLACES[0],
    ) -> None:
        """Create the screen; `stop` is called before a measurement, to stop the running server."""
        super().__init__()
        self.measured = measured
        self._stop_server = stop
        self.at = at
        """The cell under the cursor; kept while the table is rebuilt and after the screen is closed."""
        self._parameters = parameters
        self._wanted: list[Place] = []
        """The cell being measured and those after it, in order."""
        self._width = LEAST
        self._each = 2 * parameters.seconds
        """The expected time to measure a cell (s)."""

    def compose(self) -> ComposeResult:
        yield Static(id="matrix-title", markup=False)
        yield DataTable(id="matrix", cursor_type="cell", cell_padding=0, fixed_columns=1)
        yield Static(id="matrix-detail", markup=False)
        yield Static(id="matrix-keys", markup=False)

    def on_mount(self) -> None:
        self._table.focus()
        self.set_interval(1, self._show_state)

    def on_resize(self, event: events.Resize) -> None:
        """Rebuild the table, with columns that share the new width."""
        table, (name, blocked_by) = self._table, self.at
        self._width = max((event.size.width - NAME - 1) // len(KINDS), LEAST)
        table.clear(columns=True)
        table.add_column(f" {words.column()}", key="pattern", width=NAME)
        for kind in KINDS:
            table.add_column(kind, key=kind, width=self._width)
        for pattern in PATTERNS:
            table.add_row(f" {pattern.title}", key=pattern.name)
        self._show_all()
        table.move_cursor(row=_row(name), column=KINDS.index(blocked_by) + 1)
        self._show_state()

    @property
    def measuring(self) -> bool:
        """Whether cells are being measured."""
        return bool(self._wanted)

    @property
    def _missing(self) -> list[Place]:
        """The cells without a final result: not measured yet, or failed."""
        return [place for place in PLACES if not self._stands(place)]

    def _stands(self, place: Place) -> bool:
        measured = self.measured.get(place)
        return bool(measured and (measured.cell.effect or not find(place[0]).serves or find(place[0]).missing))

    # Keys.

    def action_measure_all(self) -> None:
        self._measure(self._missing or list(PLACES))

    def action_measure_row(self) -> None:
        self._measure([(self._here[0], kind) for kind in KINDS])

    def action_back(self) -> None:
        if self.measuring:
            self._stop()
        else:
            self.dismiss(None)

    def dismiss(self, result: Measured | None = None) -> AwaitComplete:
        return close_once(self, super().dismiss, result)

    def on_data_table_cell_selected(self) -> None:
        measured = self.measured.get(self._here)
        if measured and measured.snapshot and not self.measuring:
            self.dismiss(measured)

    def on_data_table_cell_highlighted(self) -> None:
        self.at = self._here
        self._show_state()

    # Measuring.

    def _measure(self, places: list[Place]) -> None:
        if self.measuring:
            return
        self._stop_server()
        self._wanted = places
        for place in places:
            self._show(place)
        self.run_worker(self._fill(), exclusive=True)

    async def _fill(self) -> None:
        patterns = {pattern.name: pattern for pattern in PATTERNS}
        cells: Iterable[tuple[Pattern, str]] = [(patterns[name], kind) for name, kind in self._wanted]
        began = time.monotonic()
        try:
            async for measured in measure_all(cells, self._parameters):
                place = self._wanted.pop(0)
                self.measured[place] = measured
                if measured.cell.effect:
                    self._each = time.monotonic() - began
                began = time.monotonic()
                self._show(place)
                if self._wanted:
                    self._show(self._wanted[0])
                self._show_state()
        except asyncio.CancelledError:
            pass  # what has been measured stays
        finally:
            self._wanted = []
        if self.is_attached:
            self._show_all()
            self._show_state()

    def _stop(self) -> None:
        self.workers.cancel_node(self)

    # Drawing.

    @property
    def _table(self) -> "DataTable[Text | str]":
        return cast("DataTable[Text | str]", self.query_one("#matrix"))

    @property
    def _palette(self) -> Palette:
        return cast("Picture", self.app).palette

    @property
    def _server_runs(self) -> bool:
        return cast("Picture", self.app).live.running

    @property
    def _here(self) -> Place:
        row, column = self._table.cursor_coordinate
        return PATTERNS[min(row, len(PATTERNS) - 1)].name, KINDS[max(column - 1, 0)]

    def _show_all(self) -> None:
        for place in PLACES:
            self._show(place)

    def _show(self, place: Place) -> None:
        """Draw one cell."""
        name, kind = place
        self._table.update_cell_at(Coordinate(_row(name), KINDS.index(kind) + 1), self._cell(place))

    def _cell(self, place: Place) -> Text:
        palette = self._palette
        measured = self.measured.get(place)
        if self._wanted and self._wanted[0] == place:
            return Text(words.measuring(), palette.waiting)
        if measured is None:
            return Text(text.first_that_fits(unmeasured(place), self._width - 2), palette.faint)
        cell = measured.cell
        room = min(self._width, WIDEST) - 2  # so that the marks of new clients line up close to the words
        if cell.effect is None:
            return Text(text.first_that_fits((f"– {cell.why_not}", "–"), self._width - 2), palette.faint)
        said = pad(text.first_that_fits(briefly(cell), room), room)
        new = meanwhile(cell)
        return Text(said, self._style(cell)).append(MARKS[new], self._newcomers(new))

    def _newcomers(self, became: str) -> Style:
        """Return the style of the mark that shows whether a new client was served."""
        return {SERVED: self._palette.good, WAITS: self._palette.waiting}.get(became, self._palette.bad)

    def _style(self, cell: Cell) -> Style:
        palette = self._palette
        return {
            Effect.UNTOUCHED: palette.good,
            Effect.SLOWED: palette.warning,
            Effect.STOPPED: palette.bad,
            Effect.UNSERVED: palette.dim,
        }[cell.effect or Effect.UNSERVED]

    def _show_state(self) -> None:
        """Update the lines above and below the table."""
        if not self.is_attached:
            return
        wordings = words.legend(self._parameters.seconds, {end: mark for end, mark in MARKS.items() if end})
        room = self.size.width - len(wordings[-1])
        progress, style = self._progress()
        heads = [(name, said) for name, said in product((words.title(), words.short_title()), progress)]
        name, said = next(((name, said) for name, said in heads if len(name) + len(said) + 5 <= room), heads[-1])
        title = Text(f" {name} ", self._palette.strong).append(f"{said}   ", style)
        title.append(text.first_that_fits((*wordings, ""), self.size.width - title.cell_len), self._palette.dim)
        self.query_one("#matrix-title", Static).update(title)
        self.query_one("#matrix-detail", Static).update(self._detail())
        self.query_one("#matrix-keys", Static).update(self._keys())

    def _progress(self) -> tuple[tuple[str, ...], Style]:
        """Return how far measuring is, in ever fewer words, and their style."""
        if self.measuring:
            left = text.clock(int(self._each * len(self._wanted)) * text.SECOND)
            return (words.to_go(len(self._wanted), left),), self._palette.waiting
        done = sum(measured.cell.effect is not None for measured in self.measured.values())
        stand = sum(map(self._stands, self.measured))
        others = {"cannot": stand - done, "failed": len(self.measured) - stand}
        rest = [words.rest(code, count) for code, count in others.items() if count]
        about = "" if done else text.clock(int(self._each * len(self._missing)) * text.SECOND)
        said = words.measured(done, len(PLACES), rest, about)
        return (said, words.briefly_measured(done, len(PLACES))) if done else (said,), self._palette.text

    def _detail(self) -> Text:
        place, palette = self._here, self._palette
        said = Text(f" {find(place[0]).title} / {place[1]} ({WORDS[place[1]]})", palette.strong)
        measured = self.measured.get(place)
        if measured is None:
            said.append(f"\n {words.not_measured_yet(unmeasured(place)[0])}", palette.dim)
            return said.append(f"\n {words.stops_the_server()[0]}", palette.waiting) if self._server_runs else said
        for line, style in described(measured.cell, palette, busy(measured)):
            said.append(f"\n {line}", style)
        return said

    def _keys(self) -> Text:
        if self.measuring:
            names = [("esc", "stop")]
        else:
            measured = self.measured.get(self._here)
            to_stall = [("⏎", "to-stall")] if measured and measured.snapshot else []
            left = len(self._missing)
            what = "all" if left == len(PLACES) else "rest" if left else "again"
            names = [*to_stall, ("r", what), ("space", "pattern"), ("esc", "back")]
        said = Text(" ")
        for key, action in names:
            said.append(f"{key} ", self._palette.accent).append(f"{words.action(action)}   ", self._palette.dim)
        if self._server_runs and not self.measuring:
            room = self.size.width - said.cell_len
            said.append(text.first_that_fits((words.stops_the_server()[1], ""), room), self._palette.waiting)
        return said


def _row(name: str) -> int:
    """Return the row of a pattern."""
    return next(index for index, pattern in enumerate(PATTERNS) if pattern.name == name)


def unmeasured(place: Place) -> tuple[str, ...]:
    """Return what is expected of a cell, or why it can't be measured, in ever fewer words."""
    pattern, kind = find(place[0]), place[1]
    if not pattern.serves:
        return (f"– {words.serves_nobody()}", "–")
    if pattern.missing:
        return (f"– {pattern.missing}", "–")
    return (expected(pattern, kind, True).value,)


def busy(measured: Measured) -> int:
    """Return how busy (percent) the machine's cores were on average while a cell was measured; 0 if unknown."""
    cores = measured.session.resources.cores if measured.session else []
    shares = [percent for history in cores for _, percent in history]
    return round(sum(shares) / len(shares)) if shares else 0


def described(cell: Cell, palette: Palette, busy_percent: int = 0) -> Iterable[tuple[str, Style]]:
    """Yield a cell in sentences with their styles, each short enough for a line of 80 columns."""
    one = cell.most_affected
    if one is None:
        yield words.not_measured(cell.why_not), palette.dim
        return
    yield words.others(cell.words, _ms(one.silence), _ms(cell.lasted * 1000)), palette.text
    if one.before is not None:
        yield words.round_trips(_ms(one.before), _ms(one.during)), palette.text
    if new := cell.newcomer:
        connected, served = ("" if time is None else _ms(time) for time in (new.connected, new.served))
        yield words.newcomer(where_it_came(cell), connected, served), palette.text
    if cell.surprise:
        yield words.unexpected(SURPRISE, _wanted(cell), busy_percent), palette.waiting
    else:
        yield words.as_expected(_wanted(cell)), palette.dim
    if blame := cell.blame:
        yield words.stall(label(blame.cause), blame.victims, _ms(blame.length), blame.older), palette.bad
        if blame.where:
            yield words.where(blame.where), palette.bad
    else:
        yield words.no_stall(), palette.dim


def _wanted(cell: Cell) -> str:
    """Return the expected effect on the others; by process, if it is not the same for all."""
    wanted = {other.same_process: effect.value for other, effect in zip(cell.others, cell.expected, strict=True)}
    if len(set(wanted.values())) == 1:
        return next(iter(wanted.values()))
    return words.by_process(wanted[True], wanted[False])


def _ms(milliseconds: float | None) -> str:
    return words.none() if milliseconds is None else text.duration(round(milliseconds * text.MS))
