"""Which panels fit on a terminal of a given size. Pure, so that every size can be tested without a terminal."""

from dataclasses import dataclass

MIN_WIDTH, MIN_HEIGHT = 80, 24
LEFT = ("connections", "stalls", "events", "calls")
RIGHT = ("cpu", "threads", "source")
LOWER = (*LEFT, *RIGHT)
ALWAYS = ("header", "patterns", "clients", "keys")
EVERYTHING = (*ALWAYS, "timeline", *LOWER, "ended", "too-small")


@dataclass(frozen=True)
class Layout:
    """The size class, and the panels that are on screen. Hidden panels can be reached by key and then take a place."""

    name: str
    shown: frozenset[str]


def arrange(
    width: int, height: int, chosen: str, ended: bool = False, expanded: str | None = None, lens: bool = False
) -> Layout:
    """Return the layout for a terminal; `chosen` is the lower panel that was visited last.

    A server that has died (`ended`) replaces all panels about the server. An `expanded` panel replaces all others. With
    the `lens` the system calls replace the events.
    """
    told = "calls" if lens else "events"
    chosen = told if chosen in ("calls", "events") else chosen
    name = size_class(width, height)
    if name == "small":
        return Layout(name, frozenset({"too-small"}))
    if expanded and (not ended or expanded in ("ended", *ALWAYS)):
        return Layout(name, frozenset({"header", "keys", expanded}))
    if ended:
        return Layout(name, frozenset({*ALWAYS, "ended"}))
    if name == "wide":
        lower = {*LOWER} - {"events", "calls"} | {told}
    elif name == "talk":
        right = {"source"} if chosen == "source" else {"cpu", "threads"}
        lower = {"connections", "stalls"} if chosen == "stalls" else {"connections", told, *right}  # stalls are wide
    else:
        lower = {chosen if chosen in LOWER else told if lens else "connections"}
    return Layout(name, frozenset({*ALWAYS, "timeline", *lower}))


def size_class(width: int, height: int) -> str:
    """One of small (too small), narrow, talk and wide."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return "small"
    if width >= 140 and height >= 40:
        return "wide"
    return "talk" if width >= 100 and height >= 28 else "narrow"
