"""What the screen says to a speaker."""

from echo_tui.words import translated


def nobody_speaks(running: bool, new: str, demo: str) -> str:
    """Return why nobody speaks, and what to press, given the names of the keys."""
    if running:
        return translated("No client is connected: {new} opens one").format(new=new)
    return translated("No server runs: {demo} shows one, and ⏎ starts the pattern under the cursor").format(demo=demo)


def stalled(lasted: str, victims: int) -> str:
    """Return the length of a stall and how many waited."""
    if victims == 1:
        return translated("{lasted}, 1 victim").format(lasted=lasted)
    return translated("{lasted}, {victims:,} victims").format(lasted=lasted, victims=victims)


def before(pattern: str, then: str, now: str) -> str:
    """Return the longest stall of the pattern before beside the present one's; empty `now` if it has had none."""
    return translated("before: {pattern}, {then} · now: {now}").format(
        pattern=pattern, then=then, now=now or translated("no stall")
    )


def connect(host: str, port: int) -> str:
    """Return the command that connects a client from another terminal."""
    return f"nc {host} {port}"
