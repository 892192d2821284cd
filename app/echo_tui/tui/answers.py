"""Readers of typed answers: each returns the value, or raises ValueError with a sentence for the user."""

from collections.abc import Callable

from echo_tui.clients.commands import BURST_LIMIT, MESSAGE_LIMIT, RATE_LIMIT
from echo_tui.words import dialogs

BYTES = 64
"""The default size of a message (bytes)."""
KILO = 1024


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers between two limits, both included."""

    def read(text: str) -> int:
        number = int(text) if text.strip().isdecimal() else -1
        if not least <= number <= most:
            raise ValueError(dialogs.whole_number(least, most))
        return number

    return read


def rate(text: str) -> tuple[float, int]:
    """Return messages per second and bytes per message, from `10` or `10x64k`; 0 stops. Raises ValueError."""
    number, size = sized(text)
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if value != 0 and not 0.01 <= value <= RATE_LIMIT:
        raise ValueError(dialogs.rate(RATE_LIMIT))
    return value, size


def burst(text: str) -> tuple[int, int]:
    """Return a number of messages and bytes per message, from `100` or `2000x64k`. Raises ValueError."""
    number, size = sized(text)
    return whole(1, BURST_LIMIT)(number), size


def sized(text: str) -> tuple[str, int]:
    """Split an answer at its `x` into a number and the bytes per message (default `BYTES`). Raises ValueError."""
    number, given, size = text.lower().partition("x")
    if not given:
        return number, BYTES
    digits, kilo, rest = size.strip().partition("k")
    value = int(digits) * (KILO if kilo else 1) if digits.isdecimal() and not rest else 0
    if not 1 <= value <= MESSAGE_LIMIT:
        raise ValueError(dialogs.message_size(MESSAGE_LIMIT))
    return number, value
