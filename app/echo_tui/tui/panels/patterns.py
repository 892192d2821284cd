"""The list of patterns by family; Enter starts the one under the cursor."""

from collections.abc import Hashable

from echo_servers.catalog import FAMILIES, PATTERNS, Pattern
from textual.message import Message

from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.view import View, fix_now


def by_family(spaced: bool) -> list[str | Pattern]:
    """Return the family names and their patterns; if `spaced`, with an empty line between families."""
    entries: list[str | Pattern] = []
    for family in FAMILIES:
        entries += ["", family.upper()] if entries and spaced else [family.upper()]
        entries += [pattern for pattern in PATTERNS if pattern.family == family]
    return entries


class PatternsPanel(Panel):
    """The panel with the list of patterns."""

    TITLE = "patterns"

    class Chosen(Message):
        """The message that a pattern is to be started."""

        def __init__(self, pattern: Pattern) -> None:
            super().__init__()
            self.pattern = pattern

    class Highlighted(Message):
        """The message that the cursor has moved to a pattern."""

        def __init__(self, pattern: Pattern) -> None:
            super().__init__()
            self.pattern = pattern

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.entries = by_family(spaced=True)
        self.last = len(self.entries)
        self.set_reactive(Panel.cursor, 1)

    @property
    def pattern(self) -> Pattern:
        """The pattern under the cursor."""
        entry = self.entries[self.cursor]
        assert isinstance(entry, Pattern)
        return entry

    def fingerprint(self, view: View) -> Hashable:
        server = view.session.server
        fixed_by = fix_in(view)
        return (view.started and view.started.name, server and server.running, self.cursor, self.has_focus, fixed_by)

    def prepare(self, view: View) -> None:
        spaced = by_family(spaced=True)
        entries = spaced if len(spaced) <= self.rows else by_family(spaced=False)
        if entries != self.entries:
            chosen, self.entries, self.last = self.pattern, entries, len(entries)
            self.set_reactive(Panel.cursor, entries.index(chosen))

    def line(self, index: int, width: int) -> Line:
        assert self.view
        palette = self.view.palette
        entry = self.entries[index]
        if isinstance(entry, str):
            return [(entry, palette.dim)]
        if entry is self.view.started:
            alive = bool(self.view.session.server and self.view.session.server.running)
            return [("● " if alive else "✗ ", palette.good if alive else palette.bad), (entry.title, palette.strong)]
        if entry.name == fix_in(self.view):
            return [("→ ", palette.good), (entry.title, palette.good)]
        return [("  ", palette.text), (entry.title, palette.faint if entry.missing else palette.text)]

    def in_sight(self) -> int:
        """Return the row of the started pattern, or of the cursor while the list has the focus."""
        started = self.view and self.view.started
        return self.entries.index(started) if started in self.entries and not self.has_focus else self.cursor

    def on_focus(self) -> None:
        if not self.top <= self.cursor < self.top + self.rows and self.view and self.view.started:
            self.put(self.view.started)  # keep the window, so that a click hits the row it was aimed at
        super().on_focus()

    def _settle(self) -> None:
        super()._settle()
        kept = [self.in_sight(), *self._fixes()]
        if max(kept) - min(kept) < self.rows:
            self.top = min(max(self.top, max(kept) - self.rows + 1), min(kept))
        else:
            kept = kept[:1]
        if self.top and isinstance(self.entries[self.top - 1], str) and max(kept) < self.top + self.rows - 1:
            self.top -= 1  # show the heading of a family with its first pattern
        self._frame(self.title_text, self.place())

    def _fixes(self) -> list[int]:
        """Return the row of the pattern that fixes the block, if the started pattern is the row to keep visible."""
        view = self.view
        if not view or not view.started or self.entries[self.in_sight()] is not view.started:
            return []
        name = fix_in(view)
        return [place for place, entry in enumerate(self.entries) if isinstance(entry, Pattern) and entry.name == name]

    def put(self, pattern: Pattern) -> None:
        """Put the cursor on a pattern."""
        self.go(self.entries.index(pattern))

    def go(self, index: int) -> None:
        """Put the cursor on the nearest pattern in the direction of the move."""
        step = 1 if index >= self.cursor else -1
        while 0 <= index < self.last and isinstance(self.entries[index], str):
            index += step
        if 0 <= index < self.last and isinstance(self.entries[index], Pattern):
            super().go(index)
            self.post_message(self.Highlighted(self.pattern))

    def scroll_lines(self, lines: int) -> None:
        self.go(self.cursor + (1 if lines > 0 else -1))

    def action_edge(self, step: int) -> None:
        self.go(self.last - 1 if step > 0 else 1)

    def pressed(self, index: int, again: bool) -> None:
        if again and isinstance(self.entries[index], Pattern):  # the first click only moves the cursor
            self.post_message(self.Chosen(self.pattern))


def fix_in(view: View) -> str:
    """Return the name of the pattern that fixes the current block; empty if there is none."""
    found = fix_now(view)
    return found.pattern if found else ""
