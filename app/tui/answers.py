"""What a person may answer to a question: each reader gives the value, or raises ValueError with a sentence."""

from collections.abc import Callable

from app.clients.commands import RATE_LIMIT


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two limits."""

    def read(text: str) -> int:
        number = int(text) if text.strip().isdecimal() else -1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least:,} to {most:,}, please")
        return number

    return read


def rate(text: str) -> float:
    """A number of messages a second. Raises ValueError with a sentence."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number != 0 and not 0.01 <= number <= RATE_LIMIT:
        raise ValueError(f"a number from 0.01 to {RATE_LIMIT:,.0f}, or 0 to stop, please")
    return number
