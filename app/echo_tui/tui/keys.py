"""Every key of the dashboard; the configuration can assign another key to an id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.binding import Binding

from echo_tui.words import keys as words


@dataclass(frozen=True)
class Key:
    """An action with its key, as the bindings, the footer, the palette and the help use it."""

    id: str
    key: str
    action: str
    group: str
    rank: int = 0
    display: str | None = None
    priority: bool = False

    @property
    def footer(self) -> bool:
        """Whether the footer shows it if there is room; lower ranks come first."""
        return self.rank > 0

    @property
    def label(self) -> str:
        """Its name in the footer."""
        return words.label(self.id)

    @property
    def help(self) -> str:
        """What it does, for the palette and the help."""
        return words.what_it_does(self.id)

    @property
    def binding(self) -> Binding:
        """The key as a Textual binding, without a description: the footer and the help are our own."""
        return Binding(self.key, self.action, id=self.id, key_display=self.display, priority=self.priority)


SERVER, CLIENTS, SCREEN, RECORDING = "server", "clients", "screen", "recording"

RESET = Key("reset-client", "r", "close_client(True)", CLIENTS)
KEYS = (
    Key("hop", "tab", "hop(1)", SCREEN, 7, "tab", True),
    Key("start", "enter", "start_pattern", SERVER, 2, "↑↓⏎"),
    Key("demo", "g", "demo", SERVER, 3),
    Key("restart", "R", "restart", SERVER, 27),
    Key("toggle", "space", "toggle_server", SERVER, 8, "space"),
    Key("previous", "comma", "walk(-1)", SERVER),
    Key("next", "full_stop", "walk(1)", SERVER, 3, "."),
    Key("block", "b", "toggle_block", SERVER, 3),
    Key("block-set", "B", "set_block", SERVER, 16),
    Key("fix", "x", "fix", SERVER, 4),
    Key("hold", "o", "hold_output", SERVER, 4),
    Key("new", "n", "new_client", CLIENTS, 4),
    Key("new-many", "N", "new_clients", CLIENTS, 17),
    Key("type", "i", "type", CLIENTS, 5),
    Key("choose-right", "right", "choose(1)", CLIENTS, 6, "←→"),
    Key("choose-left", "left", "choose(-1)", CLIENTS),
    Key("speak", "e", "speak", CLIENTS, 8),
    Key("speak-block", "E", "speak_blocking", CLIENTS, 10),
    Key("all", "a", "choose_all", CLIENTS, 12),
    Key("load", "l", "load", CLIENTS, 11),
    Key("burst", "u", "burst", CLIENTS, 18),
    Key("close", "c", "close_client(False)", CLIENTS, 13),
    Key("reset", "C", "close_client(True)", CLIENTS, 19),
    Key("misbehave", "m", "misbehave", CLIENTS, 17),
    Key("freeze", "p", "freeze", SCREEN, 10),
    Key("stall-before", "left_square_bracket", "stall(-1)", SCREEN, 7, "[ ]"),
    Key("stall-after", "right_square_bracket", "stall(1)", SCREEN),
    Key("details", "d", "details", SCREEN, 28),
    Key("zoom-in", "plus,equals_sign", "zoom(-1)", SCREEN),
    Key("zoom-out", "minus", "zoom(1)", SCREEN, 24, "+-"),
    Key("strace", "s", "toggle_strace", SCREEN, 25),
    Key("matrix", "w", "matrix", SCREEN, 26),
    Key("record", "r", "save_recording", SCREEN, 16),
    Key("swap", "V", "swap", SCREEN, 2),
    Key("pause", "v", "pause", RECORDING, 1),
    Key("event-after", "greater_than_sign", "step_event(1)", RECORDING, 2, "< >"),
    Key("event-before", "less_than_sign", "step_event(-1)", RECORDING),
    Key("sample-after", "right_parenthesis", "step_sample(1)", RECORDING),
    Key("sample-before", "left_parenthesis", "step_sample(-1)", RECORDING),
    Key("faster", "F", "speed(1)", RECORDING, 3, "F S"),
    Key("slower", "S", "speed(-1)", RECORDING),
    Key("rewind", "0", "rewind", RECORDING, 8),
    Key("stage", "z", "stage", SCREEN, 14),
    Key("expand", "f", "expand", SCREEN, 15),
    Key("copy", "y", "copy_line", SCREEN, 20),
    Key("theme", "t", "next_theme", SCREEN, 21),
    Key("screenshot", "ctrl+s", "screenshot_file", SCREEN, 22),
    Key("palette", "ctrl+p", "command_palette", SCREEN, 23, None, True),
    Key("leave", "escape", "leave", SCREEN, 5, "esc"),
    Key("help", "question_mark", "help", SCREEN, 1, "?"),
    Key("quit", "q", "quit_politely", SCREEN, 1),
    Key("quit-now", "ctrl+c,ctrl+q", "quit_politely", SCREEN, 0, None, True),
)

TYPING = (
    Key("send", "enter", "", CLIENTS, 1, "⏎"),
    Key("choose-up", "up", "app.choose(-1)", CLIENTS, 2, "↑↓"),
    Key("choose-down", "down", "app.choose(1)", CLIENTS),
)
"""Keys that also work in the input."""
STALLS = (Key("go-there", "enter", "go_there", SCREEN, 2, "↑↓⏎"),)
"""Keys that also work in the list of stalls."""
DIALOG = (
    Key("accept", "enter", "", SCREEN, 1, "⏎"),
    Key("cancel", "escape", "", SCREEN, 2, "esc"),
)
"""Keys that work in every dialog."""
MISBEHAVIOUR = (
    Key("stop-reading", "s", "toggle_reading", CLIENTS),
    Key("half-close", "h", "half_close", CLIENTS),
    RESET,
    Key("flood", "f", "flood", CLIENTS),
)
"""The ways clients can misbehave, by the letters of their menu."""
PANELS = ("patterns", "timeline", "connections", "stalls", "events", "cpu", "threads", "source", "clients")
PANEL_KEYS = tuple(Key(f"panel-{name}", str(number), f"go('{name}')", SCREEN) for number, name in enumerate(PANELS, 1))
ALL_KEYS = (*KEYS, *PANEL_KEYS)


def first_key(keys: str, display: Callable[[Binding], str]) -> str:
    """Return the display name of the first of an action's keys."""
    return display(Binding(keys.split(",")[0], "", ""))


def key_names(configured: Mapping[str, str], display: Callable[[Binding], str]) -> dict[str, str]:
    """Return the display name of the first key of each action, by the action's id."""
    return {key.id: first_key(configured.get(key.id, key.key), display) for key in (*MISBEHAVIOUR, *ALL_KEYS)}
