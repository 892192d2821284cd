"""What is said of recordings: how far one is played, and where one was saved."""

from echo_tui.words import translated

PLAYS, PAUSED, ENDED = "▶", "‖", "■"


def speed(times: float) -> str:
    """Return how fast a recording is played."""
    return f"×{times:g}"


def stall_of(number: int, total: int) -> str:
    """Return which stall of how many was passed last; empty before the first."""
    if not total:
        return translated("no stall")
    if not number:
        return translated("stalls: {total}").format(total=total)
    return translated("stall {number} of {total}").format(number=number, total=total)


def reading(percent: int) -> str:
    """Return how much of a file has been read."""
    return translated("reading {percent} %").format(percent=percent)


def cut_off() -> str:
    """Return that a file is not whole."""
    return translated("the file is cut off or damaged here")


def remote_ended() -> str:
    """Return that nothing more comes from another machine."""
    return translated("the stream has ended")


def saved(name: str, size: str) -> str:
    """Return where a recording was saved."""
    return translated("Saved, {size}: echo-tui view {name}").format(name=name, size=size)


def not_saved(why: str) -> str:
    """Return why a recording was not saved."""
    return translated("No recording: {why}").format(why=why)


def not_opened(why: str) -> str:
    """Return why the recording of a scene is not shown."""
    return translated("No recording: {why}").format(why=why)


def gave_up(path: str, why: str) -> str:
    """Return that a file is no longer written."""
    return translated("{path} is no longer written: {why}").format(path=path, why=why)


def no_event(ahead: bool) -> str:
    """Return that there is nothing to step to."""
    return translated("No event of the server after this") if ahead else translated("No event before this")


def no_sample(ahead: bool) -> str:
    """Return that there is no sample to step to."""
    return translated("No sample after this") if ahead else translated("No sample before this")


def no_stall(ahead: bool) -> str:
    """Return that there is no stall to step to."""
    return translated("No stall after this one") if ahead else translated("No stall before this one")
