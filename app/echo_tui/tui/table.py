"""Tables: as many columns as the width allows, the most important ones first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from rich.style import Style

from echo_tui.tui.palette import Palette
from echo_tui.tui.panel import Line, Panel, pad
from echo_tui.tui.view import View
from echo_tui.words import panels as words

T = TypeVar("T")


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column. Where space is short, the columns with the highest `rank` are left out first."""

    name: str
    """The code of its heading, by which it is known among the columns of its table."""
    width: int
    rank: int
    text: Callable[[View, T], str] = lambda view, item: ""
    style: Callable[[View, T], Style] | None = None
    right: bool = False
    grows: bool = False
    """Whether it gets a share of the space left over."""
    wants: int = 0
    """The width it gets, if there is room, before columns of a higher rank get any."""
    most: int = 0
    """The width it may reach with the space left over, before the columns that grow get theirs."""
    fitted: Callable[[View, T, int], str] | None = None
    """Replaces `text` for content that must be shortened to its width other than by cutting off the end."""


def fitting(columns: Sequence[Column[T]], width: int) -> list[Column[T]]:
    """Return the columns that fit, with their final widths, in the given order; one space separates two."""
    left = width
    widths: dict[str, int] = {}
    for column in sorted(columns, key=lambda column: (column.rank, column.wants)):
        if column.width > left:
            break
        given = min(max(column.wants, column.width), left)
        left -= given + 1
        widths[column.name] = given
    chosen = [column for column in columns if column.name in widths]
    left = max(left, 0)
    for column in sorted(chosen, key=lambda column: column.rank):
        more = min(max(column.most - widths[column.name], 0), left)
        widths[column.name] += more
        left -= more
    growing = [column for column in chosen if column.grows]
    for place, column in enumerate(growing):
        widths[column.name] += left // len(growing) + (place < left % len(growing))
    return [replace(column, width=widths[column.name]) for column in chosen]


def head(columns: Sequence[Column[T]], palette: Palette) -> Line:
    """Return the heading: the titles of the columns."""
    return [(" ".join(pad(words.column(column.name), column.width, column.right) for column in columns), palette.dim)]


def row(columns: Sequence[Column[T]], view: View, item: T, plain: Style) -> Line:
    """Return the line of one item; `plain` is the style of columns without one of their own."""
    line: Line = []
    for column in columns:
        style = column.style(view, item) if column.style else plain
        shown = column.fitted(view, item, column.width) if column.fitted else column.text(view, item)
        line.append((pad(shown, column.width, column.right) + " ", style))
    return line


class TablePanel(Panel, Generic[T]):
    """A panel with a heading and one row for each of its `items`, which `prepare` sets."""

    HEADED = True
    COLUMNS: ClassVar[Sequence[Column[Any]]]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.items: list[T] = []
        self.columns = self.COLUMNS

    def plain(self, item: T) -> Style:
        """Return the style of an item's cells in columns without one of their own."""
        assert self.view
        return self.view.palette.text

    def heading(self, width: int) -> Line:
        assert self.view
        return head(fitting(self.columns, width), self.view.palette)

    def line(self, index: int, width: int) -> Line:
        assert self.view
        item = self.items[index]
        return row(fitting(self.columns, width), self.view, item, self.plain(item))
