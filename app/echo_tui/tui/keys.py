"""Every key of the dashboard; the configuration can assign another key to an id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """An action with its key, as the bindings, the footer, the palette and the help use it."""

    id: str
    key: str
    action: str
    label: str
    help: str
    group: str
    rank: int = 0
    display: str | None = None
    priority: bool = False

    @property
    def footer(self) -> bool:
        """Whether the footer shows it if there is room; lower ranks come first."""
        return self.rank > 0

    @property
    def binding(self) -> Binding:
        """The key as a Textual binding."""
        return Binding(
            self.key,
            self.action,
            self.label,
            show=self.footer,
            id=self.id,
            key_display=self.display,
            tooltip=self.help,
            priority=self.priority,
        )


SERVER, CLIENTS, SCREEN, RECORDING = "Server", "Clients", "Screen", "Recording"

RESET = Key("reset-client", "r", "close_client(True)", "reset", "Reset the chosen client, or all of them", CLIENTS)
KEYS = (
    Key("hop", "tab", "hop(1)", "panel", "To the next panel", SCREEN, 7, "tab", True),
    Key("start", "enter", "start_pattern", "start", "Start the pattern under the cursor", SERVER, 2, "↑↓⏎"),
    Key("demo", "g", "demo", "show me", "asyncio, three clients, and one call that blocks", SERVER, 3),
    Key("restart", "R", "restart", "restart", "Start the running pattern anew, on the same port", SERVER, 27),
    Key("toggle", "space", "toggle_server", "start", "Start or stop the server", SERVER, 8, "space"),
    Key("previous", "comma", "walk(-1)", "previous", "Start the scene before this one", SERVER),
    Key("next", "full_stop", "walk(1)", "next", "Start the next scene", SERVER, 3, "."),
    Key("block", "b", "toggle_block", "block", "Switch the blocking call on or off", SERVER, 3),
    Key("block-set", "B", "set_block", "block ...", "Choose kind and seconds of the blocking call", SERVER, 16),
    Key("fix", "x", "fix", "fix", "To the pattern that fixes this block", SERVER, 4),
    Key("hold", "o", "hold_output", "hold stdout", "With --print: leave stdout unread, as Ctrl-S does", SERVER, 4),
    Key("new", "n", "new_client", "client", "Open a client", CLIENTS, 4),
    Key("new-many", "N", "new_clients", "clients ...", "Open many clients", CLIENTS, 17),
    Key("type", "i", "type", "type", "Type a line for the chosen client; Esc leaves", CLIENTS, 5),
    Key(
        "choose-right", "right", "choose(1)", "choose", "Choose the next client; one of them is 'all'", CLIENTS, 6, "←→"
    ),
    Key("choose-left", "left", "choose(-1)", "choose", "Choose the client before", CLIENTS),
    Key("speak", "e", "speak", "speak", "Everybody speaks: each of our clients sends a line", CLIENTS, 8),
    Key(
        "speak-block",
        "E",
        "speak_blocking",
        "+ block",
        "Everybody speaks, the first one with the block on",
        CLIENTS,
        10,
    ),
    Key("all", "a", "choose_all", "all", "Speak to all clients", CLIENTS, 12),
    Key("load", "l", "load", "load", "Messages a second from the chosen client", CLIENTS, 11),
    Key("burst", "u", "burst", "burst", "A burst of messages from the chosen client", CLIENTS, 18),
    Key("close", "c", "close_client(False)", "close", "Close the chosen client politely", CLIENTS, 13),
    Key("reset", "C", "close_client(True)", "reset", "Reset the chosen client, or all of them", CLIENTS, 19),
    Key("misbehave", "m", "misbehave", "misbehave", "Stop reading, half-close, reset, or a flood: a menu", CLIENTS, 17),
    Key("freeze", "p", "freeze", "freeze", "Hold the picture still; counting goes on", SCREEN, 10),
    Key(
        "stall-before",
        "left_square_bracket",
        "stall(-1)",
        "stalls",
        "Back to the stall before, and hold it still",
        SCREEN,
        7,
        "[ ]",
    ),
    Key(
        "stall-after",
        "right_square_bracket",
        "stall(1)",
        "stall",
        "On to the next stall, or to what goes on now",
        SCREEN,
    ),
    Key("details", "d", "details", "details", "Victims, stack and clues of a stall", SCREEN, 28),
    Key("zoom-in", "plus,equals_sign", "zoom(-1)", "zoom in", "A shorter span on the timeline", SCREEN),
    Key("zoom-out", "minus", "zoom(1)", "zoom", "A longer span on the timeline, up to five minutes", SCREEN, 24, "+-"),
    Key(
        "strace",
        "s",
        "toggle_strace",
        "strace",
        "Live system calls by strace, which slows the server",
        SCREEN,
        25,
    ),
    Key("matrix", "w", "matrix", "matrix", "Isolation matrix: whom a block affects, measured", SCREEN, 26),
    Key("record", "r", "save_recording", "record", "Save the last minutes as a recording", SCREEN, 16),
    Key("pause", "v", "pause", "pause", "Pause a recording, or play on", RECORDING, 1),
    Key(
        "event-after",
        "greater_than_sign",
        "step_event(1)",
        "event",
        "To a recording's next event",
        RECORDING,
        2,
        "< >",
    ),
    Key("event-before", "less_than_sign", "step_event(-1)", "event", "Back to the event before", RECORDING),
    Key(
        "sample-after",
        "right_parenthesis",
        "step_sample(1)",
        "sample",
        "To the next sample of the kernel",
        RECORDING,
    ),
    Key("sample-before", "left_parenthesis", "step_sample(-1)", "sample", "Back to the sample before", RECORDING),
    Key("faster", "F", "speed(1)", "speed", "Play a recording faster, up to 100 times", RECORDING, 3, "F S"),
    Key("slower", "S", "speed(-1)", "slower", "Play it slower, down to a tenth", RECORDING),
    Key("rewind", "0", "rewind", "rewind", "Back to the start of a recording", RECORDING, 8),
    Key("stage", "z", "stage", "stage", "Only what an audience needs, and back", SCREEN, 14),
    Key("expand", "f", "expand", "expand", "Give the focused panel the whole screen, and back", SCREEN, 15),
    Key("copy", "y", "copy_line", "copy", "Copy the line under the cursor", SCREEN, 20),
    Key("theme", "t", "next_theme", "theme", "Another theme: dark, or light for a projector", SCREEN, 21),
    Key("screenshot", "ctrl+s", "screenshot_file", "picture", "Save a picture into screenshots/", SCREEN, 22),
    Key("palette", "ctrl+p", "command_palette", "palette", "Everything by name", SCREEN, 23, None, True),
    Key("leave", "escape", "leave", "back", "Out of input, expanded panel or frozen picture", SCREEN, 5, "esc"),
    Key("help", "question_mark", "help", "help", "Every key", SCREEN, 1, "?"),
    Key("quit", "q", "quit_politely", "quit", "End server, clients and dashboard", SCREEN, 1),
    Key("quit-now", "ctrl+c,ctrl+q", "quit_politely", "quit", "The same, also while typing", SCREEN, 0, None, True),
)

TYPING = (
    Key("send", "enter", "", "send", "Send the line", CLIENTS, 1, "⏎"),
    Key("choose-up", "up", "app.choose(-1)", "choose", "Choose the client before", CLIENTS, 2, "↑↓"),
    Key("choose-down", "down", "app.choose(1)", "choose", "Choose the next client", CLIENTS),
)
"""Keys that also work in the input."""
STALLS = (Key("go-there", "enter", "go_there", "go there", "Go back to the stall under the cursor", SCREEN, 2, "↑↓⏎"),)
"""Keys that also work in the list of stalls."""
DIALOG = (
    Key("accept", "enter", "", "ok", "Take the answer", SCREEN, 1, "⏎"),
    Key("cancel", "escape", "", "back", "Close the dialog", SCREEN, 2, "esc"),
)
"""Keys that work in every dialog."""
MISBEHAVIOUR = (
    Key("stop-reading", "s", "toggle_reading", "stop reading", "Stop reading what the server sends, or go on", CLIENTS),
    Key("half-close", "h", "half_close", "half-close", "Half-close: send nothing more, go on reading", CLIENTS),
    RESET,
    Key("flood", "f", "flood", "flood", "Flood it with silent connections, or end that", CLIENTS),
)
"""The ways clients can misbehave, by the letters of their menu."""
PANELS = ("patterns", "timeline", "connections", "stalls", "events", "cpu", "threads", "source", "clients")
PANEL_KEYS = tuple(
    Key(f"panel-{name}", str(number), f"go('{name}')", name, f"To the {name} panel", SCREEN)
    for number, name in enumerate(PANELS, 1)
)
ALL_KEYS = (*KEYS, *PANEL_KEYS)


def first_key(keys: str, display: Callable[[Binding], str]) -> str:
    """Return the display name of the first of an action's keys."""
    return display(Binding(keys.split(",")[0], "", ""))


def key_names(configured: Mapping[str, str], display: Callable[[Binding], str]) -> dict[str, str]:
    """Return the display name of the first key of each action, by the action's id."""
    return {key.id: first_key(configured.get(key.id, key.key), display) for key in (*MISBEHAVIOUR, *ALL_KEYS)}
