"""What the client pane says of our clients."""

from echo_tui.model.endings import Ending
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


def ending(how: str) -> str:
    """Return how a client's connection ended; a message of the system as it is."""
    words = ENDINGS.get(Ending(how)) if how in {*Ending} else None
    return translated(words) if words else how
