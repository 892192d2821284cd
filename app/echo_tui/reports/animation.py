"""Pictures of a terminal, one after the other, as one animated SVG: each content of a row is in it once."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from unicodedata import combining, east_asian_width
from xml.etree import ElementTree
from xml.sax.saxutils import escape

CELL, ROW = 12.2, 24.4
"""Width and height of a cell in Rich's pictures."""
TOP, BASELINE = 1.5, 20.0
"""Where in a row its background and its text begin."""
MARGIN, TITLE = 8, 30
FONT = "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
STYLE = re.compile(r"\.[\w-]+-(r\d+) \{ ([^}]+?);? \}")
BLANK = "\N{NO-BREAK SPACE}"
NEAR = 8
"""So many blank cells between two runs of one style are a part of one run."""


@dataclass
class TextRun:
    """Neighbouring cells of a row with one style: where they begin, how many there are, and their text."""

    column: int
    style: str
    cells: int
    text: str = ""

    @property
    def end(self) -> int:
        """The column after the last one."""
        return self.column + self.cells


@dataclass
class Rows:
    """The contents of the rows of a terminal, and in which frames each is shown."""

    styles: dict[str, str] = field(default_factory=dict)
    """The name of the class for each style."""
    shown: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """The frames of each row and content."""

    def add(self, number: int, picture: str, background: str) -> None:
        """Add a frame: an SVG by Rich. What has the colour of the background is left out."""
        root = ElementTree.fromstring(picture)
        styles = dict(STYLE.findall(root.findtext("{*}style") or ""))
        fills: dict[int, list[TextRun]] = {}
        words: dict[int, list[TextRun]] = {}
        for rect in root.iterfind(".//{*}g[@clip-path]/{*}rect"):
            x, y, width = (float(rect.get(name, "0")) for name in ("x", "y", "width"))
            if (fill := rect.get("fill", "")) != background:
                _join(fills, round((y - TOP) / ROW), TextRun(round(x / CELL), fill, round(width / CELL)))
        for text in root.iterfind(".//{*}text[@textLength]"):
            x, y, inner = float(text.get("x", "0")), float(text.get("y", "0")), text.text or ""
            style = styles.get((text.get("class") or "").rpartition("-")[2], "")
            if inner.strip():
                left, inner = len(inner) - len(inner.lstrip()), inner.strip()
                run = TextRun(round(x / CELL) + left, style, _cells(inner), inner)
                _join(words, round((y - BASELINE) / ROW), run)
        for row in fills.keys() | words.keys():
            content = "".join([*map(_fill, fills.get(row, ())), *map(self._words, words.get(row, ()))])
            self.shown.setdefault((row, content), []).append(number)

    def _words(self, run: TextRun) -> str:
        name = self.styles.setdefault(run.style, f"s{len(self.styles)}")
        x, width = CELL * run.column, CELL * run.cells
        return f'<text class="{name}" x="{x:.5g}" y="20" textLength="{width:.5g}">{escape(run.text)}</text>'


def _cells(text: str) -> int:
    """Return how many cells of a terminal a text takes: a wide character has two (Unicode, UAX 11)."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _join(rows: dict[int, list[TextRun]], row: int, run: TextRun) -> None:
    """Add a run to its row, to the one before it if that has the same style and is near."""
    runs = rows.setdefault(row, [])
    last = runs[-1] if runs else None
    near = last and last.style == run.style and run.column - last.end <= (NEAR if run.text else 0)
    if last and near and run.column >= last.end:
        last.text += BLANK * (run.column - last.end) + run.text
        last.cells = run.end - last.column
    else:
        runs.append(run)


def _fill(run: TextRun) -> str:
    x, width = CELL * run.column, CELL * run.cells
    return f'<rect fill="{run.style}" x="{x:.5g}" y="{TOP}" width="{width + 0.6:.5g}" height="24.9"/>'


class Film:
    """Pictures of a terminal that become one animated SVG; of each only what is new in it is kept."""

    def __init__(self) -> None:
        self._rows, self._count, self._background = Rows(), 0, ""

    def add(self, picture: str) -> None:
        """Add the next picture: an SVG by Rich."""
        self._background = self._background or _background(picture)
        self._rows.add(self._count, picture, self._background)
        self._count += 1

    def developed(self, size: tuple[int, int], each: float, hold: float = 2.0, still: int = -1) -> str:
        """Return one SVG that shows the pictures of a terminal of this size, each for `each` seconds, without end.

        The last picture stays for `hold` more seconds. Those who want no motion see one of them: `still` is its index.
        """
        count = self._count
        seconds, still = count * each + hold, still % max(count, 1)
        frames, groups, names = [], [], dict[tuple[tuple[float, bool], ...], str]()
        for (row, content), numbers in sorted(self._rows.shown.items(), key=lambda entry: entry[0][0]):
            place = f'transform="translate(0 {row * ROW:g})"'
            if len(numbers) == count:
                groups.append(f"<g {place}>{content}</g>")
                continue
            changes = tuple((first * each / seconds, on) for first, on in _changes(numbers, count))
            if changes not in names:
                names[changes] = f"k{len(names)}"
                frames.append(_keyframes(names[changes], changes, still in numbers))
            groups.append(f'<g class="{names[changes]}" {place}>{content}</g>')
        width, height = size[0] * CELL + 2 * MARGIN, size[1] * ROW + TITLE + MARGIN
        return "\n".join(_document(width, height, self._background, seconds, self._rows.styles, frames, groups))


def _background(picture: str) -> str:
    """Return the colour that most cells have as their background."""
    widths: Counter[str] = Counter()
    for rect in ElementTree.fromstring(picture).iterfind(".//{*}g[@clip-path]/{*}rect"):
        widths[rect.get("fill", "")] += int(float(rect.get("width", "0")))
    return max(widths, key=widths.__getitem__, default="#000")


def _changes(numbers: Sequence[int], count: int) -> list[tuple[int, bool]]:
    """Return the frames in which something appears (True) or disappears."""
    within = set(numbers)
    runs = groupby(range(count), key=within.__contains__)
    return [(next(frames), on) for on, frames in runs]


def _keyframes(name: str, changes: Sequence[tuple[float, bool]], still: bool) -> str:
    steps = "".join(f"{share:.3%}{{visibility:{'visible' if on else 'hidden'}}}" for share, on in changes)
    still_is, last = ("visible" if on else "hidden" for on in (still, changes[-1][1]))
    return (
        f".{name}{{animation-name:{name};visibility:{still_is}}}@keyframes {name}{{{steps}100%{{visibility:{last}}}}}"
    )


def _document(
    width: float,
    height: float,
    background: str,
    seconds: float,
    styles: dict[str, str],
    frames: Sequence[str],
    groups: Sequence[str],
) -> Iterable[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">'
    yield f"<style>text{{font:20px {FONT};white-space:pre}}.t{{font-weight:bold;fill:#8a8f9a}}"
    yield from (f".{name}{{{style}}}" for style, name in styles.items())
    # The rules of the classes, which name the keyframes, are more specific than this one.
    yield f"g{{animation:{seconds:g}s step-end infinite}}"
    yield "@media (prefers-reduced-motion:reduce){g{animation:none!important}}"
    yield from frames
    yield f'</style><rect fill="{background}" width="{width:g}" height="{height:g}" rx="8"/>'
    yield f'<text class="t" x="{width / 2:g}" y="22" text-anchor="middle">echo-tui</text>'
    yield f'<g transform="translate({MARGIN} {TITLE})">'
    yield from groups
    yield "</g></svg>"
