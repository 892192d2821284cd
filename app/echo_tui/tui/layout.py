"""Which panels fit on a terminal of a given size. Pure, so that every size can be tested without a terminal."""

from dataclasses import dataclass

MIN_WIDTH, MIN_HEIGHT = 80, 24
LEFT = ("connections", "stalls", "events", "calls")
RIGHT = ("cpu", "threads", "source")
LOWER = (*LEFT, *RIGHT)
ALWAYS = ("header", "patterns", "clients", "step", "keys")
STAGE = frozenset({"header", "timeline", "source", "clients", "step", "keys"})
"""The panels of the stage layout, at every size."""
INSTEAD = ("welcome", "ended")
"""Panels that replace those about the server: before the first one, and when it has died."""
EVERYTHING = (*ALWAYS, "timeline", *LOWER, *INSTEAD, "too-small")


@dataclass(frozen=True)
class Layout:
    """The size class, and the visible panels. A hidden panel can be reached by key; it then replaces another one."""

    name: str
    shown: frozenset[str]


def arrange(
    width: int,
    height: int,
    chosen: str,
    instead: str = "",
    expanded: str | None = None,
    strace: bool = False,
    stage: bool = False,
) -> Layout:
    """Return the layout for a terminal; `chosen` is the lower panel that was visited last.

    `instead` is one of `INSTEAD`, or empty: it replaces the panels about the server, but for the timeline of a server
    that has died. Before the first server the clients have no panel unless it is `chosen`. An `expanded` panel replaces
    all others but the header and the footer. With `strace` the system calls replace the events.
    `stage` is the layout for an audience.
    """
    log = "calls" if strace else "events"
    chosen = log if chosen in ("calls", "events") else chosen
    name = size_class(width, height)
    if name == "small":
        return Layout(name, frozenset({"too-small"}))
    if expanded and (not instead or expanded in (instead, *ALWAYS)):
        return Layout(name, frozenset({"header", "keys", expanded}))
    if instead == "welcome":
        hidden = {"step"} if chosen == "clients" else {"step", "clients"}
        return Layout(name, frozenset({*ALWAYS, "welcome"} - hidden))
    if instead:
        return Layout(name, frozenset({*ALWAYS, "timeline", instead}))
    if stage:
        return Layout(name, STAGE)
    if name == "wide":
        lower = {*LOWER} - {"events", "calls"} | {log}
    elif name == "talk":
        right = {"source"} if chosen == "source" else {"cpu", "threads"}
        lower = {"connections", "stalls"} if chosen == "stalls" else {"connections", log, *right}  # stalls are wide
    else:
        lower = {chosen if chosen in LOWER else log if strace else "connections"}
    return Layout(name, frozenset({*ALWAYS, "timeline", *lower}))


def size_class(width: int, height: int) -> str:
    """Return the size class: "small" (too small to draw), "narrow", "talk" or "wide"."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return "small"
    if width >= 140 and height >= 40:
        return "wide"
    return "talk" if width >= 100 and height >= 28 else "narrow"
