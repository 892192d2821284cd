"""What the header says of the server, the block, stalls, losses, and the sampling; and the banner of a frozen screen.

Where there are two wordings, the second one is for a row that is too short.
"""

from echo_tui.words import translated


def no_server() -> str:
    """Return that no server has been started."""
    return translated("no server")


def serving() -> str:
    """Return that the server listens."""
    return translated("serving")


def not_listening(serves: bool) -> str:
    """Return why a server does not listen: it is starting, or its pattern serves nobody."""
    return translated("starting") if serves else translated("not listening")


def process(pid: int) -> str:
    """Return the process of the server."""
    return translated("pid {pid}").format(pid=pid)


def stdout_held() -> str:
    """Return that nobody reads what the server prints."""
    return translated("stdout held")


def block_off() -> str:
    """Return that no blocking call is armed."""
    return translated("block: off")


def block_on(setting: str, only: str = "") -> tuple[str, str]:
    """Return which blocking call is armed, perhaps only for the client with this address."""
    long, short = translated("block: {setting} ON"), translated("{setting} ON")
    if only:
        long, short = translated("block: {setting} ON for {only}"), translated("{setting} ON {only}")
    return long.format(setting=setting, only=only), short.format(setting=setting, only=only)


def then_off() -> str:
    """Return that the block goes off with the present call."""
    return translated(", then off")


def stalled(lasted: str) -> str:
    """Return how long the open stall has lasted."""
    return translated("STALLED {lasted}").format(lasted=lasted)


def last_stall(ago: str) -> tuple[str, str]:
    """Return how long ago the last stall ended."""
    return translated("last stall {ago} ago").format(ago=ago), translated("stall {ago} ago").format(ago=ago)


def memory(grown: str) -> str:
    """Return by how much the server's memory has grown."""
    return translated("memory +{grown}").format(grown=grown)


def ceiling() -> tuple[str, str]:
    """Return that the server has stopped reading from a client that does not read."""
    return translated("ceiling reached"), translated("ceiling")


def lost(records: int) -> str:
    """Return how many records did not fit into the pipe."""
    return translated("lost {records:,}").format(records=records)


def garbled(lines: int) -> str:
    """Return how many lines on the pipe are no records."""
    return translated("garbled {lines:,}").format(lines=lines)


def late(milliseconds: float) -> tuple[str, str]:
    """Return by how much the dashboard itself was late."""
    words = translated("screen {milliseconds:.0f} ms late"), translated("{milliseconds:.0f} ms late")
    return words[0].format(milliseconds=milliseconds), words[1].format(milliseconds=milliseconds)


def sampling(rate: str) -> tuple[str, str]:
    """Return how often the kernel is asked."""
    return translated("sampling {rate}").format(rate=rate), rate


def slowed(rate: str, least: str) -> tuple[str, str]:
    """Return that the kernel is asked less often, and the length from which every stall is found."""
    words = (
        translated("sampling slowed to {rate}: finds stalls from {least}"),
        translated("{rate}: stalls from {least}"),
    )
    return words[0].format(rate=rate, least=least), words[1].format(rate=rate, least=least)


def frozen() -> str:
    """Return that the screen is frozen."""
    return translated("FROZEN")


def stall_of(number: int, count: int | None, cause: str, lasted: str, begin: str) -> str:
    """Return which stall a frozen screen shows; `count` is the number of all, None if not all can be shown."""
    which = translated("STALL {number}").format(number=number)
    if count is not None:
        which = translated("STALL {number} of {count}").format(number=number, count=count)
    what = translated("{cause} {lasted} from {begin}").format(cause=cause, lasted=lasted, begin=begin)
    return f"{which}   {what}"


def in_the_matrix(pattern: str, what: str) -> str:
    """Return that what a frozen screen shows is from the matrix."""
    return translated("{pattern}, in the matrix:   {what}").format(pattern=pattern, what=what)


def goes_on(what: str, events: str, key: str) -> str:
    """Return what a frozen screen shows, how many events have come since, and which key continues."""
    return translated("{what}   {events} events since   {key} goes on").format(what=what, events=events, key=key)
