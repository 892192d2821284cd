"""The notices: what has happened or could not be done, and what the dashboard says as it ends."""

from echo_tui.words import translated

TITLES = {
    "no-server": "No server",
    "copied": "Copied",
    "strace-closed": "The strace view is closed",
}


def title(code: str) -> str:
    """Return the title of a notice."""
    return translated(TITLES[code])


def runs_already(pattern: str, key: str) -> str:
    """Return that a pattern runs already, and which key restarts it."""
    return translated("{pattern} runs already: {key} restarts it").format(pattern=pattern, key=key)


def nothing_sent(clients: str) -> str:
    """Return that a line was not sent, because the chosen clients are not connected."""
    return translated("Nothing was sent: {clients} not connected").format(clients=clients)


def flood(connections: int) -> str:
    """Return how many connections a flood opens; 0 that it ends."""
    if not connections:
        return translated("The flood ends")
    return translated("{connections} connections at once").format(connections=connections)


def strace_slows() -> str:
    """Return what strace costs the server."""
    return translated("While strace is attached the server is 5 to 10 times slower")


def strace_failed(why: str) -> str:
    """Return why strace could not be started."""
    return translated("No strace: {why}").format(why=why)


def strace_ended() -> str:
    """Return that strace has ended without a message of its own."""
    return translated("strace has ended")


def picture_saved(folder: str) -> str:
    """Return where a picture of the screen was saved."""
    return translated("Picture saved in {folder}/").format(folder=folder)


def no_picture(why: str) -> str:
    """Return why a picture of the screen was not saved."""
    return translated("No picture: {why}").format(why=why)


def against(call: str, pattern: str, key: str, why: str) -> str:
    """Return which pattern fixes a block, the key that goes there if it is not empty, and why it helps."""
    words = "Against {call}: {pattern}; {key} goes there. {why}" if key else "Against {call}: {pattern}. {why}"
    return translated(words).format(call=call, pattern=pattern, key=key, why=why)


def too_small(width: int, height: int, actual: tuple[int, int] | None = None) -> str:
    """Return the least size of the terminal, and its actual size if that is known."""
    if actual is None:
        return translated("echo-tui needs {width} x {height}").format(width=width, height=height)
    words = translated("echo-tui needs {width} x {height}; this terminal has {columns} x {rows}")
    return words.format(width=width, height=height, columns=actual[0], rows=actual[1])


def internal_error(name: str, why: str, path: str) -> str:
    """Return that the dashboard ends by an internal error, and the file with the details; or why there is none."""
    words = translated("echo-tui: internal error ({name}); the server and the clients are ended").format(name=name)
    return translated("{words}. Details: {path}").format(words=words, path=path) if path else f"{words}: {why}"
