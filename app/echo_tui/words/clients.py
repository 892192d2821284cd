"""What the client pane says of our clients."""

from echo_tui.model.endings import Closing, Ending
from echo_tui.words import translated

ENDINGS = {
    Ending.CLOSED: "closed",
    Ending.RESET: "reset",
    Ending.SERVER_CLOSED: "server closed",
    Ending.SERVER_RESET: "reset by server",
    Ending.NO_SERVER: "no server yet",
    Ending.SERVER_ENDED: "the server has ended",
    Ending.PROCESS_DIED: "their process died",
}
CLOSINGS = {
    Closing.LEFT_QUEUE: "left the queue",
    Closing.PORT_REUSED: "its port is another one's now",
    Closing.OUT_OF_SIGHT: "out of sight",
    Closing.SERVER_ENDED: "server ended",
    Closing.PROCESS_ENDED: "process ended",
    Closing.SURPLUS: "unknown",
}


def ending(how: str) -> str:
    """Return how a client's connection ended, or why the session closed it; a message of the system as it is."""
    words = {**ENDINGS, **CLOSINGS}.get(how)
    return translated(words) if words else how
