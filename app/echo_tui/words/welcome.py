"""What the screen says before the first server is started."""

from echo_tui.words import translated

SENTENCES = (
    "echo-tui runs socket servers of every architecture and shows what each one does.",
    "Make one client block: you see who waits, how long, why, and on which line.",
    "Each pattern on the left is a real server; any client can connect to it.",
)
HEADINGS = {"watch": "Watch", "block": "Block", "fix": "Fix", "source": "Source"}
"""The headings of a pattern's story."""
SOURCE = "{lines} lines of Python: patterns/{file}"


def sentences() -> list[str]:
    """Return what the program is, in three sentences."""
    return [translated(sentence) for sentence in SENTENCES]


def keys(demo: str, start: str, help_key: str) -> list[tuple[str, str]]:
    """Return what to press, and what happens then, given the names of the keys."""
    return [
        (demo, translated("a demonstration: one client blocks asyncio")),
        (f"↑↓ {start}", translated("choose a pattern, and start it")),
        (help_key, translated("all keys, and what the words mean")),
    ]


def heading(code: str) -> str:
    """Return a heading of a pattern's story."""
    return translated(HEADINGS[code])


def source(lines: int, file: str) -> str:
    """Return how long the source of a pattern is, and where it is."""
    return translated(SOURCE).format(lines=lines, file=file)
