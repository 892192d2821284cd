"""Numbers with a noun."""

from echo_tui.words import counted


def byte_count(number: int) -> str:
    """Return a number of bytes."""
    return counted(number, "{number:,} byte", "{number:,} bytes")
