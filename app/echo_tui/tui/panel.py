"""The base of every panel: lines drawn on demand, a cursor, and an end that is followed until the user scrolls.

Only visible lines are rendered (Textual's Line API), so the cost depends on the height, not on the number of lines.
"""

from collections.abc import Hashable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from echo_tui.tui.text import clean
from echo_tui.tui.view import View
from echo_tui.words import panels as words

StyledText = tuple[str, Style]
Line = list[StyledText]

WHEEL = 3


class Panel(Widget, can_focus=True):
    """A bordered panel of lines, numbered from `first` up to, not including, `last`."""

    TITLE = ""
    """The code of its title; empty if it has none."""
    HEADED = False
    """Whether the first row is a heading that does not scroll."""
    SELECTS = True
    """Whether the line under the cursor is marked while the panel has the focus."""
    FOLLOWS = False
    """Whether new lines are appended, and the window follows the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)"),
        Binding("down,j", "move(1)"),
        Binding("pageup", "page(-1)"),
        Binding("pagedown", "page(1)"),
        Binding("home", "edge(-1)"),
        Binding("end", "edge(1)"),
    ]

    cursor: reactive[int] = reactive(0)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.title_text = words.title(self.TITLE)
        """The text of the upper border; `prepare` may change it."""
        self._framed = ("", "")
        self._frame(self.title_text, "")
        self.view: View | None = None
        self.first = self.last = 0
        self.top = 0
        self.following = self.FOLLOWS
        self.extent = Size(0, 0)
        """The size of the content, kept because Textual computes it on each access."""
        self._shown: Hashable = None
        self._strips: list[Strip] = []

    # Overridden by each panel.

    def fingerprint(self, view: View) -> Hashable:
        """Return a value that covers all input of the drawing; while it is unchanged, nothing is drawn.

        It holds numbers, texts and frozen objects only, as an object that changes would always equal itself.
        """
        return view.session.changes

    def prepare(self, view: View) -> None:
        """Collect what to show, and set `first` and `last`."""

    def line(self, index: int, width: int) -> Line:
        """Return the line with this number; called only after `view` is set."""
        return []

    def heading(self, width: int) -> Line:
        """Return the heading row."""
        return []

    def copied(self, index: int) -> str:
        """Return a line as text, for the clipboard."""
        return "".join(text for text, _ in self.line(index, 1000)).rstrip()

    # Drawing.

    def show(self, view: View) -> None:
        """Draw this view if its fingerprint differs from that of the last one."""
        self.view = view
        if not self.display or not self.extent:
            self._shown = None
            return
        shown = (id(view.session), view.palette, view.frozen, self.extent, self.fingerprint(view))
        if shown != self._shown:
            self._shown = shown
            self.prepare(view)
            self._settle()
            self.redraw()

    def stale(self) -> None:
        """Have the next view drawn even if it is unchanged."""
        self._shown = None

    def on_resize(self) -> None:
        self.extent = self.size
        self.stale()
        if self.view:
            self.show(self.view)

    @property
    def rows(self) -> int:
        """The number of lines that fit below the heading, at least 1."""
        return max(self.extent.height - self.HEADED, 1)

    def redraw(self) -> None:
        """Render the visible lines, and refresh those that have changed."""
        if self.view is None or self._shown is None:  # what it shows was not prepared, or is of another session
            return
        width, height = self.extent
        base = self.rich_style
        before, self._strips = self._strips, [self._strip(self.row(y, width), width, base) for y in range(height)]
        if len(before) != height or (before and before[0].cell_length != width):
            self.refresh()
            return
        changed = [y for y in range(height) if self._strips[y] != before[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips) and self._strips[y].cell_length == self.extent.width:
            return self._strips[y]
        return Strip.blank(self.extent.width, self.rich_style)

    def row(self, y: int, width: int) -> Line:
        """Return the line in a row of the panel, highlighted if the cursor is on it."""
        y -= self.HEADED
        if y < 0:
            return self.heading(width)
        found = self.at(y, width)
        if found is None:
            return []
        index, line = found
        if self.SELECTS and self.has_focus and index == self.cursor:
            assert self.view
            mark = Style(bgcolor=self.view.palette.cursor.bgcolor)
            left = max(width - sum(len(text) for text, _ in line), 0)
            # What has a background of its own, such as a blocking call, would be illegible on another one.
            marked = [(text, style if style.bgcolor else style + mark) for text, style in line]
            return [*marked, (" " * left, mark)]
        return line

    def at(self, y: int, width: int) -> tuple[int, Line] | None:
        """Return the number and content of the line in a row below the heading; None below the last line."""
        index = self.top + y
        return (index, self.line(index, width)) if self.first <= index < self.last else None

    def _strip(self, line: Line, width: int, base: Style) -> Strip:
        # Text from outside must not move the terminal's cursor or change the writing direction.
        parts = [(text if text.isprintable() else clean(text), style) for text, style in line if text]
        strip = Strip([Segment(text, base + style) for text, style in parts])
        if strip.cell_length > width > 0 and strip.crop(width).text.strip():  # mark the cut
            kept = list(strip.crop(0, width - 1))
            strip = Strip([*kept, Segment("…", kept[-1].style if kept else base)])
        return strip.adjust_cell_length(width, base)

    # Moving.

    def in_sight(self) -> int:
        """Return the number of the line that the window keeps visible."""
        return self.cursor

    def _settle(self) -> None:
        """Keep the cursor and the window within the lines."""
        if self.following:
            self.set_reactive(Panel.cursor, self.last - 1)
        self.set_reactive(Panel.cursor, min(max(self.cursor, self.first), max(self.last - 1, self.first)))
        highest = max(self.last - self.rows, self.first)
        if self.following:
            self.top = highest
        if (kept := self.in_sight()) < self.top and self.SELECTS:
            self.top = kept
        elif kept >= self.top + self.rows and self.SELECTS:
            self.top = kept - self.rows + 1
        self.top = min(max(self.top, self.first), highest)
        if self.view:  # a wheel event may arrive before the first drawing
            self.lay()
        self._frame(self.title_text, self.place())

    def lay(self) -> None:
        """Assign rows to the visible lines; overridden where a line may have several rows."""

    def _frame(self, title: str, subtitle: str) -> None:
        """Set the border's texts only if they have changed, because Textual redraws the whole widget for that."""
        title, subtitle = clean(title), clean(subtitle)
        if (title, subtitle) != self._framed:
            self._framed = (title, subtitle)
            # As Content: a title may have words from outside, which are no markup.
            self.border_title, self.border_subtitle = Content(title), Content(subtitle)

    def place(self) -> str:
        """Return the position of the window within all lines; empty if all are visible."""
        total = self.last - self.first
        begin, end = self.shown_lines()
        if end - begin >= total:
            return ""
        whole = self.whole(begin - self.first, end - self.first, total)
        return words.position(begin - self.first + 1, end - self.first, whole, self.FOLLOWS and not self.following)

    def whole(self, begin: int, end: int, total: int) -> str:
        """Return the total in words; the visible lines begin at the index `begin` and end before `end`."""
        return f"{total:,}"

    def shown_lines(self) -> tuple[int, int]:
        """Return the range of visible lines: the first one, and the one after the last."""
        return self.top, min(self.top + self.rows, self.last)

    def go(self, index: int) -> None:
        """Put the cursor on a line."""
        self.cursor = min(max(index, self.first), max(self.last - 1, self.first))
        self.following = self.FOLLOWS and self.cursor >= self.last - 1
        self._settle()
        self.redraw()

    def action_move(self, step: int) -> None:
        if self.SELECTS:
            self.go(self.cursor + step)
        else:
            self.scroll_lines(step)

    def action_page(self, step: int) -> None:
        if self.SELECTS:
            self.go(self.cursor + step * max(self.rows - 1, 1))
        else:
            self.scroll_lines(step * max(self.rows - 1, 1))

    def action_edge(self, step: int) -> None:
        self.scroll_lines(step * (self.last - self.first))
        self.go(self.last - 1 if step > 0 else self.first)

    def scroll_lines(self, lines: int) -> None:
        """Move the window, and the cursor with it so that it stays visible."""
        highest = max(self.last - self.rows, self.first)
        self.top = min(max(self.top + lines, self.first), highest)
        self.following = self.FOLLOWS and self.top >= highest
        if not self.following:
            self.cursor = min(max(self.cursor, self.top), self.top + self.rows - 1)
        self._settle()
        self.redraw()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if self.view is None or offset is None or offset.y < self.HEADED:  # a click may arrive before the first drawing
            return
        found = self.at(offset.y - self.HEADED, self.extent.width)
        if found:
            index = found[0]
            again = index == self.cursor
            self.go(index)
            self.pressed(index, again)

    def pressed(self, index: int, again: bool) -> None:
        """Handle a click on a line; `again` if the cursor was on it before."""


def pad(text: str, width: int, right: bool = False) -> str:
    """Return text padded or cut to `width` cells; a cut is marked. Each character must be one cell wide."""
    if len(text) > width:
        text = text[: max(width - 1, 0)] + "…" if width else ""
    return text.rjust(width) if right else text.ljust(width)


def wrap(text: str, width: int) -> list[str]:
    """Wrap text into lines of at most `width` characters (at least 10)."""
    import textwrap

    return textwrap.wrap(text, max(width, 10)) or [""]
