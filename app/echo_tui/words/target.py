"""What the screen says of a server that runs already."""

from echo_tui.diagnosis.stall import Cause
from echo_tui.words import translated

ADVICE = {
    Cause.BLOCKED: "Move the call to a thread or a process, or use one that does not block.",
    Cause.COMPUTING: "Move the computation to a process, or do it in small steps.",
    Cause.SPINNING: "Wait for what is ready with epoll or asyncio, or let the call block in a thread of its own.",
    Cause.GIL: "Move what keeps the interpreter's lock to a process.",
    Cause.NO_CORE: "Give the machine more cores, or the server a higher priority.",
    Cause.STOPPED: "Continue it: SIGCONT.",
    Cause.ALL_WORKERS_BUSY: "Raise the number of workers, or end connections that are idle.",
    Cause.ONE_CLIENT: "Serve each client in a thread or task of its own, or set a timeout for silent ones.",
    Cause.ALL_HELPERS_BUSY: "Raise the number of helpers.",
    Cause.NO_DESCRIPTORS: "Raise its limit of open files (ulimit -n), or close idle connections.",
    Cause.NOT_READING: "Set a timeout for sending, or drop clients that do not read.",
    Cause.UPSTREAM: "Ask it asynchronously, or in a thread, and set a timeout.",
    Cause.CHILD: "Start the child asynchronously, or in a thread.",
    Cause.LOCK: "Hold the lock for a shorter time, and take it outside the loop's thread.",
    Cause.LOCK_OF_NOBODY: "Do not fork while threads run: start workers before, or by spawn.",
    Cause.POOL_ITSELF: "Never wait in a pool for a task of the same pool: use a second one, or go on when it is done.",
    Cause.THROTTLED: "Raise the CPU limit of its control group or container, or use less.",
    Cause.PIPE: "Have the reader read, or write without blocking.",
    Cause.SILENT_CLIENT: "Wait for it asynchronously, and set a timeout for first bytes and handshakes.",
    Cause.BACKLOG: "Raise the backlog of listen, and net.core.somaxconn.",
}


def advice(cause: Cause) -> str:
    """Return what helps against a cause; empty where nothing general does."""
    return translated(ADVICE[cause]) if cause in ADVICE else ""


def workers(count: int) -> str:
    """Return how many threads were seen to serve."""
    if not count:
        return translated("no worker seen so far")
    return translated("1 worker") if count == 1 else translated("{count:,} workers").format(count=count)


def paused(length: str) -> str:
    """Return for how long a server was paused while its stacks were read."""
    return translated("paused {length} in total to read its stack").format(length=length)


def confirm(address: str) -> str:
    """Return the question before our first connection to somebody else's server."""
    return translated("Open connections to {address}? The server can't tell them from others.").format(address=address)


def not_ours(key: str) -> str:
    """Return why an action is unavailable: the server was not started here."""
    return translated("{key}: this server is only observed").format(key=key)
