"""Text and numbers as the screen shows them: numbers with their units, text from outside with escapes made visible."""

import contextlib
import unicodedata
from collections.abc import Iterable, Sequence

from echo_servers.plain import plain
from echo_servers.records import PREVIEW

from echo_tui.words import units

MS = 1_000_000
SECOND = 1_000_000_000
UNKNOWN = "-"
BARS = " ▁▂▃▄▅▆▇█"
EIGHTHS = ("", *"▏▎▍▌▋▊▉")


def duration(ns: int | None) -> str:
    """Format a duration in ms or s, or as minutes and seconds from 100 s on; "-" if it is unknown."""
    if ns is None:
        return UNKNOWN
    if ns < MS:
        return f"{ns / MS:.2f} ms"
    if ns < 100 * MS:
        return f"{ns / MS:.1f} ms"
    if ns < SECOND:
        return f"{ns / MS:.0f} ms"
    if ns < 100 * SECOND:
        return f"{ns / SECOND:.1f} s"
    return clock(ns)


def elapsed(ns: int) -> str:
    """Format a duration that still grows: to a tenth of a second, so that its digits can be read."""
    return f"{ns / SECOND:.1f} s" if ns < 100 * SECOND else clock(ns)


def clock(ns: int) -> str:
    """Format a duration as MM:SS, or H:MM:SS from one hour on."""
    seconds = max(ns, 0) // SECOND
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def stamp(ns: int) -> str:
    """Format a time of the run, to the millisecond."""
    return f"{clock(ns)}.{max(ns, 0) // MS % 1000:03}"


def size(count: int | None) -> str:
    """Format a number of bytes in the largest decimal unit that fits; "-" if it is unknown."""
    if count is None:
        return UNKNOWN
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000:
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"


def count(number: float | None) -> str:
    """Format a count, in thousands (k) from 10,000 and millions (M) from 10,000,000; "-" if it is unknown."""
    if number is None:
        return UNKNOWN
    if number < 10_000:
        return f"{number:.0f}"
    if number < 10_000_000:
        return f"{number / 1000:.0f}k"
    return f"{number / 1_000_000:.0f}M"


def payload(head: str, length: int) -> str:
    """Return a payload as the article prints it; with its length if only its beginning is known, or nothing of it.

    Text with letters beyond ASCII comes before its bytes, which may be cut off.
    """
    if length and not head:
        return units.byte_count(length)
    data = head.encode("latin-1", "replace")
    shown = repr(data) if length <= PREVIEW else f"{data!r}... ({units.byte_count(length)})"
    said = letters(data)
    return f"{said} {shown}" if said else shown


def letters(data: bytes) -> str:
    """Return UTF-8 text with letters beyond ASCII, escaped; empty for other bytes, and for text that is plain ASCII.

    A character that the end of `data` cuts off is left out.
    """
    if data.isascii():
        return ""
    for end in range(len(data), max(len(data) - 4, 0), -1):
        with contextlib.suppress(UnicodeDecodeError):
            said = data[:end].decode().strip()
            readable = any(char.isalpha() and not char.isascii() for char in said)
            return clean(said) if readable and not any(map(_is_right_to_left, said)) else ""
    return ""


def _is_right_to_left(char: str) -> bool:
    """Return whether a character would change the direction of the text beside it."""
    return unicodedata.bidirectional(char) in ("R", "AL", "AN")


def peer(address: str) -> str:
    """Format a peer's address: only the port for 127.0.0.1 and ::1."""
    host, _, port = address.rpartition(":")
    return f":{port}" if host in ("127.0.0.1", "[::1]") else f"{host}:{port}"


def tail(address: str, width: int) -> str:
    """Return an address, or only its end (with the port) if it is wider than `width`."""
    return address if len(address) <= width else f"…{address[1 - width :]}"


def tails(address: str) -> tuple[str, ...]:
    """Return an address in three ever shorter forms, each with the whole port."""
    return address, tail(address, 9), tail(address, 6)


def first_that_fits(wordings: Iterable[str], width: int) -> str:
    """Return the first wording that fits into `width` cells, or else the last one."""
    last = ""
    for last in wordings:
        if len(last) <= width:
            break
    return last


def some(names: Sequence[str], width: int) -> str:
    """Return as many names as fit, and the number of those left out."""
    shown = len(names)
    while True:
        more = len(names) - shown
        words = " ".join([*names[:shown], *([f"+{more:,}"] if more else [])])
        if len(words) <= width or not shown:
            return words
        shown -= 1


def clean(text: str) -> str:
    """Return text from outside with control characters made visible, so that the terminal does not obey them."""
    return plain(text.expandtabs(4))


def gauge(percent: float) -> str:
    """Return a bar of one character for 0 to 100 %."""
    return BARS[min(max(round(percent / 100 * 8), 0 if percent < 0.5 else 1), 8)]


def share(part: int, whole: int, cells: int) -> str:
    """Return a bar of `cells` cells for a part of a whole; only the whole fills it, and any part above 0 is visible."""
    eighths = min(-(-8 * cells * part // max(whole, 1)), 8 * cells - (part < whole))
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).ljust(cells, "░") if eighths > 0 else "░" * cells
