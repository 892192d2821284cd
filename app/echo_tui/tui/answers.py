"""What a person may answer to a question: each reader gives the value, or raises ValueError with a sentence."""

from collections.abc import Callable

from echo_tui.clients.commands import BURST_LIMIT, MESSAGE_LIMIT, RATE_LIMIT

BYTES = 64
"""The default size of a message (bytes)."""
KILO = 1024


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two limits."""

    def read(text: str) -> int:
        number = int(text) if text.strip().isdecimal() else -1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least:,} to {most:,}, please")
        return number

    return read


def rate(text: str) -> tuple[float, int]:
    """Messages a second, perhaps with their size: `10` or `10x64k`. Raises ValueError with a sentence."""
    number, size = sized(text)
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if value != 0 and not 0.01 <= value <= RATE_LIMIT:
        raise ValueError(f"a number from 0.01 to {RATE_LIMIT:,.0f}, or 0 to stop, please")
    return value, size


def burst(text: str) -> tuple[int, int]:
    """A number of messages, perhaps with their size: `100` or `2000x64k`. Raises ValueError with a sentence."""
    number, size = sized(text)
    return whole(1, BURST_LIMIT)(number), size


def sized(text: str) -> tuple[str, int]:
    """What stands before the x, and the bytes of a message that stand after it, if any do."""
    number, given, size = text.lower().partition("x")
    if not given:
        return number, BYTES
    digits, kilo, rest = size.strip().partition("k")
    value = int(digits) * (KILO if kilo else 1) if digits.isdecimal() and not rest else 0
    if not 1 <= value <= MESSAGE_LIMIT:
        raise ValueError(f"after the x comes a message's size: 1 to {MESSAGE_LIMIT:,} bytes, or 64k")
    return number, value
