"""What the screen says before the first server is started."""

from echo_tui.words import translated

SENTENCES = (
    "echo-tui runs socket servers of every architecture, one at a time, and shows what each one does.",
    "Make one client block: you see who waits, for how long, why, and which line of code is to blame.",
    "Each pattern on the left is a real server in a process of its own; any client can connect to it.",
)
TITLE = "Welcome"
SOURCE = "{lines} lines of Python: patterns/{file}"


def sentences() -> list[str]:
    """Return what the program is, in three sentences."""
    return [translated(sentence) for sentence in SENTENCES]


def keys(demo: str, start: str, help_key: str) -> str:
    """Return what to press, given the names of the keys."""
    return translated("{demo} show me   {start} start a pattern   {help} help").format(
        demo=demo, start=start, help=help_key
    )


def source(lines: int, file: str) -> str:
    """Return how long the source of a pattern is, and where it is."""
    return translated(SOURCE).format(lines=lines, file=file)
