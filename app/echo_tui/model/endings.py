"""How the client's end of a connection ended. An ending that the system explains has the system's message instead."""

from enum import StrEnum


class Ending(StrEnum):
    """The endings that have a code."""

    CLOSED = "closed"
    RESET = "reset"
    SERVER_CLOSED = "server-closed"
    SERVER_RESET = "server-reset"
    NO_SERVER = "no-server"
    """It was never connected: no server has listened so far."""
    SERVER_ENDED = "server-ended"
    PROCESS_DIED = "process-died"
    """The process of our clients has died."""
    REFUSED = "refused"
    """Nobody listens at the address."""
    NO_ANSWER = "no-answer"
    UNREACHABLE = "unreachable"
    NO_LOCAL_PORT = "no-local-port"
    NO_DESCRIPTORS = "no-descriptors"
    """Our client process may open no more sockets."""
    CANNOT_CONNECT = "cannot-connect"
    NO_LONGER_ANSWERS = "no-longer-answers"
    """The kernel gave up an established connection (ETIMEDOUT)."""


ON_PURPOSE = (Ending.CLOSED, Ending.RESET)
"""The ends of clients that we closed; they are not opened again."""
BY_SERVER = (Ending.SERVER_CLOSED, Ending.SERVER_RESET)
"""The ends that the server caused."""


class Closing(StrEnum):
    """Why the session closes a connection, or its client's end, without a record of the server."""

    LEFT_QUEUE = "left-queue"
    """It is in the accept queue no longer, and was not accepted."""
    PORT_REUSED = "port-reused"
    """Another connection has its port."""
    OUT_OF_SIGHT = "out-of-sight"
    """The sockets can't be sampled any longer."""
    SERVER_ENDED = "its-server-ended"
    PROCESS_ENDED = "process-ended"
    SURPLUS = "surplus"
    """There are too many to keep all of them."""
