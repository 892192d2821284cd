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
    """The size class, and the visible panels. A hidden panel can be reached by key; it then replaces another one."""

    name: str
    shown: frozenset[str]


def arrange(
    width: int, height: int, chosen: str, ended: bool = False, expanded: str | None = None, lens: bool = False
) -> Layout:
    """Return the layout for a terminal; `chosen` is the lower panel that was visited last.

    If the server has died (`ended`), one panel replaces all panels about the server. An `expanded` panel replaces all
    others but the header and the footer. With the strace view (`lens`) the system calls replace the events.
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
    """Return the size class: "small" (too small to draw), "narrow", "talk" or "wide"."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return "small"
    if width >= 140 and height >= 40:
        return "wide"
    return "talk" if width >= 100 and height >= 28 else "narrow"
