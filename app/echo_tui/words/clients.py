"""What the client pane says of our clients."""

from echo_tui.model.endings import Closing, Ending
from echo_tui.words import counted, translated

ENDINGS: dict[str, str] = {
    Ending.CLOSED: "closed",
    Ending.RESET: "reset",
    Ending.SERVER_CLOSED: "server closed",
    Ending.SERVER_RESET: "reset by server",
    Ending.NO_SERVER: "no server yet",
    Ending.SERVER_ENDED: "the server has ended",
    Ending.PROCESS_DIED: "their process died",
    Ending.REFUSED: "refused: nobody listens on {about}",
    Ending.NO_ANSWER: "no answer from {about}",
    Ending.UNREACHABLE: "{about} can't be reached",
    Ending.NO_LOCAL_PORT: "no free local port to reach {about}",
    Ending.NO_DESCRIPTORS: "out of file descriptors: a process may have {about}",
    Ending.CANNOT_CONNECT: "can't connect to {about}",
    Ending.NO_LONGER_ANSWERS: "the server stopped answering",
}
CLOSINGS: dict[str, str] = {
    Closing.LEFT_QUEUE: "left the queue",
    Closing.PORT_REUSED: "its port is another one's now",
    Closing.OUT_OF_SIGHT: "out of sight",
    Closing.SERVER_ENDED: "server ended",
    Closing.PROCESS_ENDED: "process ended",
    Closing.SURPLUS: "unknown",
}


def ending(how: str, about: str = "") -> str:
    """Return how a client's connection ended, or why the session closed it; a message of the system as it is.

    `about` is the address or number of the ending.
    """
    words = (ENDINGS | CLOSINGS).get(how)
    return translated(words).format(about=about) if words else how


def every() -> str:
    """Return the name of the entry for all clients."""
    return translated("all")


def count(number: int) -> str:
    """Return a number of clients."""
    return counted(number, "{number:,} client", "{number:,} clients")


def flood() -> str:
    """Return the name of the entry for a flood."""
    return translated("flood")


def got_in(connected: int, of: int) -> str:
    """Return how many connections of a flood are connected."""
    return translated("{connected:,} of {of:,} got in").format(connected=connected, of=of)


def hidden(number: int, waiting: int) -> str:
    """Return how many clients are out of sight, and how many of them wait."""
    also = counted(waiting, ", {number:,} waits", ", {number:,} wait") if waiting else ""
    return translated("+{number:,} more{also}").format(number=number, also=also)


def connecting(lasted: str) -> str:
    """Return how long a client has been connecting."""
    return translated("connecting {lasted}").format(lasted=lasted)


def connected() -> str:
    """Return that a client is connected and has had no echo."""
    return translated("connected")


def echo_in(rtt: str) -> str:
    """Return the round-trip time of a client's last message."""
    return translated("echo in {rtt}").format(rtt=rtt)


def not_reading() -> str:
    """Return that a client does not read."""
    return translated("not reading")


def half_closed() -> str:
    """Return that a client has closed its sending side."""
    return translated("half-closed")


def prompt() -> str:
    """Return what an empty input line is for."""
    return translated("type a line, Enter sends it")


def title(command: str, loaded: int, rate: float) -> str:
    """Return the title of the pane: how to connect, how many clients send regularly, and how many messages a second."""
    loads = counted(loaded, "{number:,} sends {rate:g} a second", "{number:,} send {rate:g} a second", rate=rate)
    parts = [*([command] if command else []), *([loads] if loaded else [])]
    name = translated("Clients")
    return f"{name}: {', '.join(parts)}" if parts else name


def misbehave(key: str) -> str:
    """Return which key opens the menu of misbehaviour."""
    return translated("{key} misbehave").format(key=key)


def to_whom(client: int | None) -> str:
    """Return to whom a line goes: a client, or all of them."""
    return translated("to all") if client is None else translated("to [{client}]").format(client=client)


def choose_one() -> str:
    """Return to whom a line goes while no client is chosen."""
    return translated("A line goes to every client; ← and → choose one.")


def none_yet(key: str) -> str:
    """Return that there is no client, and which key opens one."""
    return translated("No client yet: {key} opens one.").format(key=key)


def nothing_sent(client: int) -> str:
    """Return that a client has sent nothing."""
    return translated("[{client}] has sent nothing yet.").format(client=client)


def sent(number: int) -> str:
    """Return how many messages a client has sent; the last one follows."""
    return translated("{number:,} sent, last").format(number=number)


def echoed(number: int) -> str:
    """Return how many echoes a client has received."""
    return translated("{number:,} echoed").format(number=number)


def received(number: int) -> str:
    """Return how many times a client has received something from a server that may be no echo server."""
    return translated("{number:,} received").format(number=number)


def last_echo() -> str:
    """Return what stands before the last echo."""
    return translated(", last")


def after(rtt: str) -> str:
    """Return what stands after the last echo: its round-trip time."""
    return translated("in {rtt}").format(rtt=rtt)


def spoiled(number: int) -> str:
    """Return how many echoes differ from what was sent."""
    return translated("{number:,} NOT what was sent").format(number=number)
