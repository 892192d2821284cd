"""What a run without a screen says on stderr, and what is said of targets."""

from echo_tui.words import translated


def watches(pid: int, address: str, command: str) -> str:
    """Return what is watched."""
    return translated("watching pid {pid} on {address}: {command}").format(pid=pid, address=address, command=command)


def listens(pattern: str, address: str, pid: int) -> str:
    """Return where a server of ours listens."""
    return translated("{pattern} listens on {address}, pid {pid}").format(pattern=pattern, address=address, pid=pid)


def ended(pid: int) -> str:
    """Return that a target has ended."""
    return translated("pid {pid} has ended").format(pid=pid)


def ended_early(code: int | None) -> str:
    """Return that a server of ours has ended by itself."""
    return translated("the server has ended by itself, with code {code}").format(code=code)


def no_evidence(what: str, why: str) -> str:
    """Return that a kind of evidence can't be had."""
    return translated("no {what}: {why}").format(what=what, why=why)


def not_written(path: str | None, why: str) -> str:
    """Return that a recording is no longer written."""
    return translated("{path} is no longer written: {why}").format(path=path, why=why)


def left_out(count: int) -> str:
    """Return how much was left out because the reader of stdout is slow."""
    return translated("{count:,} observations left out: stdout is read too slowly").format(count=count)


def on_port(port: int | None) -> str:
    """Return on which port nobody listens; empty if no port was asked for."""
    return translated(" on port {port}").format(port=port) if port else ""


def nearest(addresses: list[str]) -> str:
    """Return which listeners are nearest to a port on which nobody listens; empty without any."""
    return translated("; the nearest listeners: {those}").format(those=", ".join(addresses)) if addresses else ""


def another_user() -> str:
    """Return what a user is called whose name is not known."""
    return translated("another user")
