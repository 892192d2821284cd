"""The arrangement of the panels: which fit the terminal, which one has the focus, and what replaces what."""

from typing import Any, NamedTuple

from textual import events
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from echo_tui.run.live import Live
from echo_tui.tui.keys import PANELS
from echo_tui.tui.layout import EVERYTHING, LOWER, MIN_HEIGHT, MIN_WIDTH, STAGE, arrange
from echo_tui.tui.notices import Notices
from echo_tui.tui.view import View
from echo_tui.words import notices

CLASSES = ("small", "narrow", "talk", "wide", "expanded", "stage")
"""The classes of the screen: a size class, and what is special."""
COLUMNS = ("body", "main", "lower", "left", "right")
"""The containers, outer ones first; one without a visible child is hidden."""


class Arrangement(NamedTuple):
    """What is shown: the classes of the screen, the ids of the visible panels, and the size of the terminal."""

    classes: frozenset[str]
    shown: frozenset[str]
    size: tuple[int, int]


class Arranged(Notices):
    """An app whose panels are arranged for the size of the terminal."""

    live: Live

    def __init__(self, starting: bool = False) -> None:
        super().__init__()
        self.starting = starting
        """Whether a server is started after the first drawing, so that no other panel replaces those about it."""
        self.instead = ""
        """The panel that replaces those about the server; empty if none does."""
        self.on_stage = False
        """Whether the layout for an audience is shown."""
        self.browsing = False
        """Whether the cursor has moved to a pattern that does not run, so that its story replaces a lower panel."""
        self.place = "patterns"
        self.seat = ""
        """The lower panel visited last; where not all fit, it stays visible when the focus moves elsewhere."""
        self.expanded: str | None = None
        self._arrangement: Arrangement | None = None
        """What the widgets are arranged for; None if they are not arranged yet."""
        self._depends_on: object = None
        """What the arrangement of the panels depends on, in the last view."""

    def draw(self) -> None:
        """Draw the panels; overridden."""

    @property
    def row(self) -> str:
        """The id of the row above the footer: "step", or "seek" for a recording; empty if there is none."""
        return "step"

    def browse(self, on: bool) -> None:
        """Show the story of the pattern under the cursor in a lower panel, or no longer."""
        if on != self.browsing:
            self.browsing = on
            self.fit()

    def on_resize(self, event: events.Resize) -> None:
        self.fit(event.size)

    def fit(self, size: Size | None = None) -> None:
        """Show the panels that fit a terminal of this size; None means the present size."""
        if not self.screen_stack:
            return
        screen = self.screen_stack[0]
        if self.instead and self.expanded not in (None, self.instead, "patterns"):
            self.expanded = None
        wanted = self._wanted(size or self.size)
        if wanted != self._arrangement:  # matching all styles again takes a while
            self._arrange(screen, wanted)
            self._arrangement = wanted if screen.query("#keys") else None
        focused = screen.focused
        if focused and not focused.display and "small" not in wanted.classes:
            # Set the focus at once: a deferred call would run after a focus change in progress and undo it.
            screen.set_focus(screen.query_one(f"#{self._refuge(wanted.shown)}"))
        self.call_after_refresh(self.draw)

    def _wanted(self, size: Size) -> Arrangement:
        """Return what a terminal of this size is to show."""
        seat = "source" if self.browsing else self.seat
        if self.instead == "welcome" and (self.place == "clients" or self.live.session.clients):
            seat = "clients"
        strace = self.live.strace_view.is_open
        layout = arrange(*size, seat, self.instead, self.expanded, strace, self.on_stage)
        hidden = {"clients"} if not self.live.starts and self._no_clients else set[str]()
        classes = {layout.name, "expanded" if self.expanded else "", "stage" if layout.shown == STAGE else ""}
        shown = (layout.shown - hidden - {"step"}) | ({self.row} if "step" in layout.shown else set())
        return Arrangement(frozenset(filter(None, classes)), shown, size)

    def arrangement_changed(self, view: View) -> bool:
        """Note what the arrangement depends on in this view, and return whether it has changed."""
        instead = "" if self.starting else view.instead
        arranged = (instead, view.strace_view, bool(view.session.clients))
        changed, self._depends_on, self.instead = arranged != self._depends_on, arranged, instead
        return changed

    def refresh_css(self, animate: bool = True) -> None:
        """Apply the theme; before there are panels, the style sheet is still to be read, and is read with the theme."""
        if self.screen_stack and self.screen_stack[0].children:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def set_screen_classes(self) -> None:
        """Give the screen its classes before it has widgets: afterwards all of them would be styled once more."""
        self.screen_stack[0].set_classes(self._wanted(self.size).classes)

    def _arrange(self, screen: Screen[Any], wanted: Arrangement) -> None:
        """Give the screen these classes, and show these panels only."""
        screen.update_classes({name: name in wanted.classes for name in CLASSES})
        widgets = {widget.id: widget for widget in screen.walk_children(Widget)}
        for name in {*EVERYTHING, "seek"} & widgets.keys():
            widgets[name].display = name in wanted.shown
        for name in reversed(COLUMNS):
            if column := widgets.get(name):
                column.display = any(child.display for child in column.children)
        for notice in screen.query("#too-small").results(Static):
            notice.update(notices.too_small(MIN_WIDTH, MIN_HEIGHT, wanted.size))

    @property
    def _no_clients(self) -> bool:
        """Whether there is no client of ours, and none is about to be opened."""
        return self.place != "clients" and not self.live.session.clients

    def _refuge(self, shown: frozenset[str]) -> str:
        """Return the panel that gets the focus of one that is hidden now."""
        if self.instead == "ended":
            return "ended"
        return "patterns" if "patterns" in shown else "timeline"

    @property
    def focused_place(self) -> str | None:
        """The id of the panel that has the focus, or contains the focused widget; None if there is none."""
        focused = self.focused
        return (
            next((node.id for node in focused.ancestors_with_self if node.id in EVERYTHING), None) if focused else None
        )

    def stops(self) -> list[str]:
        """Return the panels that the key for the next panel visits, in order."""
        if self.instead:
            return ["patterns", self.instead, "clients"]
        if self.on_stage:
            return ["timeline", "source", "clients"]
        return ["calls" if name == "events" and self.live.strace_view.is_open else name for name in PANELS]

    def on_descendant_focus(self) -> None:
        name = self.focused_place
        if name in PANELS and name != self.place:
            self.move_to(str(name))
            self.fit()

    def move_to(self, place: str) -> None:
        """Note that another panel has the focus."""
        self.place = place
        if place in LOWER:
            self.seat = place
