"""What the table of connections says; where there are several wordings, each one is shorter than the one before."""

from echo_tui.words import translated

COUNTS = {
    "connections": "Connections: {count:,} open",
    "open": "{count:,} open",
    "refused": "{count:,} turned away",
    "closed": "{count:,} closed",
    "unanswered": "{count:,} not answered",
    "dropped": "{count:,} SYNs dropped",
}
EXTERNAL, FLOOD, NOBODY = "external", "flood", "none"


def count(what: str, number: int) -> str:
    """Return a number of connections, or of attempts to connect, by what it counts."""
    return translated(COUNTS[what]).format(count=number)


def queue(gauge: str) -> tuple[str, str]:
    """Return the length of the accept queue."""
    return translated("accept queue {gauge}").format(gauge=gauge), translated("queue {gauge}").format(gauge=gauge)


def queue_unknown() -> tuple[str, str]:
    """Return that the accept queue can't be sampled."""
    return translated("accept queue: not available here"), translated("queue: not available")


def of(part: int, whole: int) -> str:
    """Return a part of a whole."""
    return translated("{part:,} of {whole:,}").format(part=part, whole=whole)


def open_or_closed(still: int, begin: int, end: int, total: int) -> str:
    """Return how many are open, or, for a window that ends or begins below those, the total of rows."""
    if begin >= still:
        return translated("{total:,}, closed").format(total=total)
    if end <= still:
        return count("open", still)
    return translated("{total:,}, {open:,} open").format(total=total, open=still)


def external() -> str:
    """Return whose connection it is: that of a client which is not ours."""
    return translated(EXTERNAL)


def flood() -> str:
    """Return whose connection it is: one of a flood."""
    return translated(FLOOD)


def nobody() -> str:
    """Return that no worker serves a connection."""
    return translated(NOBODY)
