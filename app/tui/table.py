"""Tables: as many columns as the width allows, the most important ones first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from rich.style import Style

from app.tui.palette import Palette
from app.tui.panel import Line, Panel, pad
from app.tui.view import View

T = TypeVar("T")


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column; those with the least `rank` are the last to be left out where there is no room."""

    title: str
    width: int
    rank: int
    text: Callable[[View, T], str]
    style: Callable[[View, T], Style] | None = None
    right: bool = False
    grows: bool = False
    """Whether it takes the room that is left over."""
    wants: int = 0
    """A width that it gets, where there is room, before a column of a higher rank gets any."""


def fitting(columns: Sequence[Column[T]], width: int) -> list[Column[T]]:
    """The columns that fit, in their own order, one space between two."""
    left = width
    chosen = []
    for column in sorted(columns, key=lambda column: (column.rank, column.wants)):
        if column.width > left:
            break
        given = min(max(column.wants, column.width), left)
        left -= given + 1
        chosen.append((column, given))
    widths = {column.title: given + max(left, 0) * column.grows for column, given in chosen}
    return [replace(column, width=widths[column.title]) for column in columns if column.title in widths]


def head(columns: Sequence[Column[T]], palette: Palette) -> Line:
    """The titles."""
    return [(" ".join(pad(column.title, column.width, column.right) for column in columns), palette.dim)]


def row(columns: Sequence[Column[T]], view: View, item: T, plain: Style) -> Line:
    """One item."""
    line: Line = []
    for column in columns:
        style = column.style(view, item) if column.style else plain
        line.append((pad(column.text(view, item), column.width, column.right) + " ", style))
    return line


class TablePanel(Panel, Generic[T]):
    """A panel with a heading and one row for each item: whoever prepares it sets the `items`."""

    HEADED = True
    COLUMNS: ClassVar[Sequence[Column[Any]]]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.items: list[T] = []
        self.columns = self.COLUMNS

    def plain(self, item: T) -> Style:
        """The colour of an item's cells that have none of their own."""
        assert self.view
        return self.view.palette.text

    def heading(self, width: int) -> Line:
        assert self.view
        return head(fitting(self.columns, width), self.view.palette)

    def line(self, index: int, width: int) -> Line:
        assert self.view
        item = self.items[index]
        return row(fitting(self.columns, width), self.view, item, self.plain(item))
