"""Which panels fit on a terminal of a given size. Pure, so that every size can be tested without a terminal."""

from dataclasses import dataclass

MIN_WIDTH, MIN_HEIGHT = 80, 24
LEFT = ("connections", "events")
RIGHT = ("cpu", "workers", "source")
LOWER = (*LEFT, *RIGHT)


@dataclass(frozen=True)
class Layout:
    """The size class, and the panels that are on screen. What is not can be hopped to and then takes a place."""

    name: str
    shown: frozenset[str]


def arrange(width: int, height: int, chosen: str) -> Layout:
    """The layout for a terminal, where `chosen` is the panel that was gone to last."""
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return Layout("small", frozenset())
    if width >= 140 and height >= 36:
        return Layout("wide", frozenset({"patterns", "timeline", "clients", *LOWER}))
    if width >= 100 and height >= 28:
        right = {"source"} if chosen == "source" else {"cpu", "workers"}
        return Layout("talk", frozenset({"patterns", "timeline", "clients", *LEFT, *right}))
    lower = {chosen} if chosen in LOWER else {"connections"}
    return Layout("narrow", frozenset({"patterns", "timeline", "clients", *lower}))
