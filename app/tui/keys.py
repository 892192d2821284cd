"""Every key of the dashboard, by an id that the configuration can give another key to."""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """An action that a key, the footer, the palette and the help all know."""

    id: str
    key: str
    action: str
    label: str
    help: str
    group: str
    footer: bool = False
    display: str | None = None
    priority: bool = False

    @property
    def binding(self) -> Binding:
        """As Textual wants it."""
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


SERVER, CLIENTS, SCREEN = "Server", "Clients", "Screen"

KEYS = (
    Key("start", "enter", "start_pattern", "start", "Start the pattern under the cursor", SERVER, True),
    Key("toggle", "space", "toggle_server", "stop/start", "Start or stop the server", SERVER, True, "space"),
    Key("previous", "comma,less_than_sign", "walk(-1)", "previous", "Start the pattern before this one", SERVER),
    Key("next", "full_stop,greater_than_sign", "walk(1)", "next", "Start the pattern after this one", SERVER),
    Key("block", "b", "toggle_block", "block", "Switch the blocking call on or off", SERVER, True),
    Key("block-set", "B", "set_block", "block ...", "Choose kind and seconds of the blocking call", SERVER),
    Key("new", "n", "new_client", "new client", "Open a client", CLIENTS, True),
    Key("new-many", "N", "new_clients", "clients ...", "Open many clients", CLIENTS),
    Key("type", "i", "type", "type", "Type a line for the chosen client; Esc leaves", CLIENTS, True),
    Key("choose-left", "left", "choose(-1)", "client", "Choose the client before", CLIENTS),
    Key("choose-right", "right", "choose(1)", "client", "Choose the next client; one of them is 'all'", CLIENTS),
    Key("all", "a", "choose_all", "all", "Speak to all clients", CLIENTS),
    Key("load", "l", "load", "load", "Chatter: so many messages a second from the chosen client", CLIENTS, True),
    Key("burst", "u", "burst", "burst", "A burst of messages from the chosen client", CLIENTS),
    Key("close", "c", "close_client(False)", "close", "Close the chosen client politely", CLIENTS, True),
    Key("reset", "r", "close_client(True)", "reset", "Reset the chosen client's connection", CLIENTS),
    Key("freeze", "p", "freeze", "freeze", "Hold the picture still; counting goes on", SCREEN, True),
    Key("expand", "f", "expand", "expand", "Give the focused panel the whole screen, and back", SCREEN, True),
    Key("hop", "tab", "hop(1)", "panel", "To the next panel", SCREEN, True, "tab", True),
    Key("hop-back", "shift+tab", "hop(-1)", "panel", "To the panel before", SCREEN, False, None, True),
    Key("copy", "y", "copy_line", "copy", "Copy the line under the cursor", SCREEN),
    Key("leave", "escape", "leave", "back", "Out of the input, or out of an expanded panel", SCREEN, True, "esc"),
    Key("theme", "t", "next_theme", "theme", "Another theme: dark, or light for a projector", SCREEN),
    Key("screenshot", "ctrl+s", "screenshot_file", "picture", "Save a picture into screenshots/", SCREEN),
    Key("help", "question_mark", "help", "help", "Every key", SCREEN, True, "?"),
    Key("quit", "q", "quit_politely", "quit", "End server, clients and dashboard", SCREEN, True),
    Key("quit-now", "ctrl+c,ctrl+q", "quit_politely", "quit", "The same, also while typing", SCREEN, False, None, True),
)

PANELS = ("patterns", "timeline", "connections", "events", "cpu", "workers", "source", "clients")
PANEL_KEYS = tuple(
    Key(f"panel-{name}", str(number), f"go('{name}')", name, f"To the {name} panel", SCREEN)
    for number, name in enumerate(PANELS, 1)
)
ALL_KEYS = (*KEYS, *PANEL_KEYS)
