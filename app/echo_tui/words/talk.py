"""What the screen says to a speaker."""

from echo_tui.words import translated


def nobody_speaks(running: bool, new: str, demo: str) -> str:
    """Return why nobody speaks, and what to press, given the names of the keys."""
    if running:
        return translated("No client is connected: {new} opens one").format(new=new)
    return translated("No server runs: {demo} shows one, and ⏎ starts the pattern under the cursor").format(demo=demo)
