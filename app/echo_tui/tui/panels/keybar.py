"""The footer: as many of the available keys as fit; each can also be clicked."""

from collections.abc import Callable, Hashable

from echo_servers.catalog import find
from echo_servers.fixes import Fix
from textual import events
from textual.widgets import Input

from echo_tui.tui.keys import ALL_KEYS, DIALOG, STALLS, TYPING, Key
from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.view import View, fix_now
from echo_tui.words import keys as words

GAP = 2
ROOMY = 98
"""From this width on the footer names the pattern that fixes the block."""
OF_PANEL = {"stalls": ("go-there", "copy", "stall-before")}
"""The keys that come first while a panel has the focus, by panel."""


PAIRS = {
    "stall-before": ("stall(-1)", "stall(1)"),
    "choose-right": ("choose(-1)", "choose(1)"),
    "zoom-out": ("zoom(-1)", "zoom(1)"),
}
"""The actions of entries with two keys, for a click on the left and on the right half."""


class KeyBar(Panel, can_focus=False):
    """The panel of one row; if space is short, the keys with the highest rank are left out."""

    SELECTS = False

    def __init__(self, unavailable: Callable[[], dict[str, str]], *, id: str) -> None:
        """Create the footer; `unavailable` returns the reason each key is unavailable, by id."""
        super().__init__(id=id)
        self._unavailable = unavailable
        self._keys: list[tuple[Key, str, str]] = []
        """The keys shown, each with its display name and its label."""

    def fingerprint(self, view: View) -> Hashable:
        # Textual lists the active keys slowly, so that is done only when something has changed.
        server, screen = view.live.server, self.screen
        return (
            id(screen.focused), view.expanded, view.usable, view.frozen,
            server and server.running, view.started, view.following, view.to_fix, view.live.block.on, view.block.kind,
            view.live.printed.held, view.badge, view.scene_recorded, view.pictured, len(self.app.screen_stack),
            self._missing(view),
        )  # fmt: skip

    def prepare(self, view: View) -> None:
        self.last = 1
        missing = self._missing(view)
        room = self.extent.width - (len(missing) + GAP if missing else 0)
        names = self._names()
        chosen: list[tuple[Key, str, str]] = []
        focused = self.screen.focused.id or "" if self.screen.focused else ""
        here = OF_PANEL.get(focused, ())
        if view.live.server and not view.live.server.running and focused != "patterns":
            here = (*here, "toggle")  # in the list of patterns Enter starts it again
        for key, display in sorted(self.working(), key=lambda entry: (entry[0].id not in here, entry[0].rank)):
            label = names.get(key.id, key.label)
            needs = len(display) + 1 + len(label) + GAP
            if needs - GAP <= room:
                chosen.append((key, display, label))
                room -= needs
        order = [key.id for key in (*TYPING, *STALLS, *DIALOG, *ALL_KEYS)]
        self._keys = sorted(chosen, key=lambda entry: order.index(entry[0].id))

    def _missing(self, view: View) -> str:
        """Return why the pattern under the cursor can't be started; empty if it can, or the focus is elsewhere."""
        here = self.screen.focused is not None and self.screen.focused.id == "patterns"
        return view.pattern.missing if here and view.pattern else ""

    def working(self) -> list[tuple[Key, str]]:
        """Return the footer's keys that are available now, with their display names."""
        if len(self.app.screen_stack) > 1:
            return [(key, key.display or key.key) for key in DIALOG]
        by_id, unavailable = {key.id: key for key in (*ALL_KEYS, *STALLS) if key.footer}, self._unavailable()
        found: dict[str, tuple[Key, str]] = {}
        if isinstance(self.screen.focused, Input):
            found = {key.id: (key, key.display or key.key) for key in TYPING if key.footer}
        for active in self.screen.active_bindings.values():
            key = by_id.get(active.binding.id or "")
            if key and active.enabled and key.id not in found and not unavailable.get(key.id):
                found[key.id] = (key, self.app.get_key_display(active.binding))
        return list(found.values())

    def _names(self) -> dict[str, str]:
        """Return the labels that depend on the session, by key id."""
        assert self.view
        server = self.view.live.server
        found = fix_now(self.view)
        on = {
            "pause": bool(self.view.playback and self.view.playback.paused),
            "toggle": bool(server and server.running),
            "freeze": self.view.frozen,
            "swap": bool(self.view.playback),
            "hold": self.view.live.printed.held,
            "block": self.view.live.block.on,
        }
        labels = {key: words.label(key, is_on) for key, is_on in on.items()}
        return {**labels, "next": following(self.view), "fix": fix_label(found, self.extent.width)}

    def line(self, index: int, width: int) -> Line:
        assert self.view
        palette = self.view.palette
        line: Line = []
        for _, display, label in self._keys:
            line += [(display, palette.accent), (f" {label}{' ' * GAP}", palette.text)]
        return [*line, (self._missing(self.view), palette.waiting)]

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        place = 0
        for key, display, label in self._keys:
            within = offset.x - place
            if 0 <= within <= len(display) + len(label):
                if action := _action(key, display, within):
                    self.call_later(self.app.run_action, action, self.screen.focused if key in STALLS else None)
                return
            place += len(display) + 1 + len(label) + GAP


def _action(key: Key, display: str, within: int) -> str:
    """Return the action of a click `within` cells into an entry; each key of an entry with two has its own."""
    if key.id not in PAIRS or within >= len(display):
        return key.action
    return PAIRS[key.id][2 * within >= len(display)]


def fix_label(found: Fix | None, width: int) -> str:
    """Return where the key for the fix goes; in a narrow terminal only that it is one."""
    return words.fix_by(find(found.pattern).title) if found and width >= ROOMY else words.label("fix")


def following(view: View) -> str:
    """Return the label of the key for the next scene: its name."""
    return view.following.title if view.following else words.label("next")
