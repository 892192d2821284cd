"""The label of each key in the footer, and the sentence of the help and the palette, by the key's id."""

from echo_tui.words import translated

LABELS = {
    "hop": "panel",
    "start": "start",
    "demo": "show me",
    "restart": "restart",
    "toggle": "start",
    "previous": "previous",
    "next": "next",
    "block": "block on",
    "block-set": "block ...",
    "fix": "→ fix",
    "hold": "hold stdout",
    "new": "client",
    "new-many": "clients ...",
    "type": "type",
    "choose-right": "choose",
    "choose-left": "choose",
    "speak": "speak",
    "speak-block": "+ block",
    "all": "all",
    "load": "load",
    "burst": "burst",
    "close": "close",
    "reset": "reset",
    "reset-client": "reset",
    "misbehave": "misbehave",
    "freeze": "freeze",
    "stall-before": "stalls",
    "stall-after": "stall",
    "details": "details",
    "zoom-in": "zoom in",
    "zoom-out": "zoom",
    "strace": "strace",
    "matrix": "matrix",
    "record": "record",
    "swap": "recording",
    "pause": "pause",
    "event-after": "event",
    "event-before": "event",
    "sample-after": "sample",
    "sample-before": "sample",
    "faster": "speed",
    "slower": "slower",
    "rewind": "rewind",
    "stage": "stage",
    "expand": "expand",
    "copy": "copy",
    "theme": "theme",
    "screenshot": "picture",
    "palette": "palette",
    "leave": "back",
    "help": "help",
    "quit": "quit",
    "quit-now": "quit",
    "send": "send",
    "choose-up": "choose",
    "choose-down": "choose",
    "go-there": "go there",
    "accept": "ok",
    "cancel": "back",
    "stop-reading": "stop reading",
    "half-close": "half-close",
    "flood": "flood",
    "panel-patterns": "patterns",
    "panel-timeline": "timeline",
    "panel-connections": "connections",
    "panel-stalls": "stalls",
    "panel-events": "events",
    "panel-cpu": "cpu",
    "panel-threads": "threads",
    "panel-source": "source",
    "panel-clients": "clients",
}
WHILE_ON = {
    "toggle": "stop",
    "freeze": "go on",
    "hold": "read stdout",
    "block": "block off",
    "pause": "play",
    "swap": "live",
}
"""The labels of keys that switch something, while it is on."""
HELP = {
    "hop": "To the next panel",
    "start": "Start the pattern under the cursor",
    "demo": "asyncio, three clients, and one call that blocks",
    "restart": "Start the running pattern anew, on the same port",
    "toggle": "Start or stop the server",
    "previous": "Start the scene before this one",
    "next": "Start the next scene",
    "block": "Switch the blocking call on or off",
    "block-set": "Choose kind and seconds of the blocking call",
    "fix": "To the pattern that fixes this block",
    "hold": "With --print: leave stdout unread, as Ctrl-S does",
    "new": "Open a client",
    "new-many": "Open many clients",
    "type": "Type a line for the chosen client; Esc leaves",
    "choose-right": "Choose the next client; one of them is 'all'",
    "choose-left": "Choose the client before",
    "speak": "Everybody speaks: each of our clients sends a line",
    "speak-block": "Everybody speaks, the first one with the block on",
    "all": "Speak to all clients",
    "load": "Messages a second from the chosen client",
    "burst": "A burst of messages from the chosen client",
    "close": "Close the chosen client politely",
    "reset": "Reset the chosen client, or all of them",
    "reset-client": "Reset the chosen client, or all of them",
    "misbehave": "Stop reading, half-close, reset, or a flood: a menu",
    "freeze": "Hold the picture still; counting goes on",
    "stall-before": "Back to the stall before, and hold it still",
    "stall-after": "On to the next stall, or to what goes on now",
    "details": "Victims, stack and clues of a stall",
    "zoom-in": "A shorter span on the timeline",
    "zoom-out": "A longer span on the timeline, up to five minutes",
    "strace": "Live system calls by strace, which slows the server",
    "matrix": "Isolation matrix: whom a block affects, measured",
    "record": "Save the last minutes as a recording",
    "swap": "This scene's recording, and back to the live run",
    "pause": "Pause a recording, or play on",
    "event-after": "To a recording's next event",
    "event-before": "Back to the event before",
    "sample-after": "To the next sample of the kernel",
    "sample-before": "Back to the sample before",
    "faster": "Play a recording faster, up to 100 times",
    "slower": "Play it slower, down to a tenth",
    "rewind": "Back to the start of a recording",
    "stage": "Only what an audience needs, and back",
    "expand": "Give the focused panel the whole screen, and back",
    "copy": "Copy the line under the cursor",
    "theme": "Another theme: dark, or light for a projector",
    "screenshot": "Save a picture into screenshots/",
    "palette": "Everything by name",
    "leave": "Out of input, expanded panel or frozen picture",
    "help": "Every key",
    "quit": "End server, clients and dashboard",
    "quit-now": "The same, also while typing",
    "send": "Send the line",
    "choose-up": "Choose the client before",
    "choose-down": "Choose the next client",
    "go-there": "Go back to the stall under the cursor",
    "accept": "Take the answer",
    "cancel": "Close the dialog",
    "stop-reading": "Stop reading what the server sends, or go on",
    "half-close": "Half-close: send nothing more, go on reading",
    "flood": "Flood it with silent connections, or end that",
    "panel-patterns": "To the patterns panel",
    "panel-timeline": "To the timeline panel",
    "panel-connections": "To the connections panel",
    "panel-stalls": "To the stalls panel",
    "panel-events": "To the events panel",
    "panel-cpu": "To the cpu panel",
    "panel-threads": "To the threads panel",
    "panel-source": "To the source panel",
    "panel-clients": "To the clients panel",
}
GROUPS = {"server": "Server", "clients": "Clients", "screen": "Screen", "recording": "Recording"}
MOVING = (
    ("↑ ↓ pgup pgdn", "A line or a page; the mouse wheel scrolls too"),
    ("home end", "First and last line; at the end it follows"),
    ("↑ ↓ ⏎", "While typing: choose the client, send the line"),
    ("⏎", "In Stalls: go back to the one under the cursor"),
    ("ctrl+p", "Command palette: everything above, by name"),
)
"""Keys that move and type, which the configuration can't change, and what they do."""
MOVING_TITLE = "Moving and typing"
CONFIGURABLE = "Keys can be changed: see docs/keys.md."
FIX_BY = "→ {pattern}"


def label(key: str, on: bool = False) -> str:
    """Return the label of a key in the footer; `on` while what the key switches on is on."""
    return translated(WHILE_ON[key] if on else LABELS[key])


def fix_by(pattern: str) -> str:
    """Return the label of the key for the fix, with the pattern that it goes to."""
    return translated(FIX_BY).format(pattern=pattern)


def what_it_does(key: str) -> str:
    """Return what a key does."""
    return translated(HELP[key])


def group(code: str) -> str:
    """Return the title of a group of keys."""
    return translated(GROUPS[code])


def moving() -> list[tuple[str, str]]:
    """Return the keys that move and type, and what they do."""
    return [(keys, translated(sentence)) for keys, sentence in MOVING]


def moving_title() -> str:
    """Return the title above the keys that move and type."""
    return translated(MOVING_TITLE)


def configurable() -> str:
    """Return where to read how keys are changed."""
    return translated(CONFIGURABLE)
