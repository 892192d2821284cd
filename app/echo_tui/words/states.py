"""What connections and threads are doing, in words."""

from echo_tui.model.connection import State
from echo_tui.model.threads import Doing
from echo_tui.words import translated

CONNECTIONS = {
    State.QUEUED: "not accepted",
    State.QUIET: "quiet",
    State.WAITING: "waiting",
    State.HELD: "held",
    State.LEFT: "client left",
    State.CLOSED: "closed",
}
THREADS = {
    Doing.CALL: "in a system call",
    Doing.GIL: "waiting for the GIL",
    Doing.COMPUTING: "computing",
    Doing.NO_CORE: "waiting for a core",
}


def connection(state: State) -> str:
    """Return the state of a connection."""
    return translated(CONNECTIONS[state])


def thread(doing: Doing) -> str:
    """Return what a thread is doing."""
    return translated(THREADS[doing])
