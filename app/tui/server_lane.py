"""The server's own lane of the timeline: what stopped it and why, in words that never cover one another."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from rich.style import Style

from app.session.parts import BlockSpan
from app.session.stall import SHORT, Stall
from app.tui import text
from app.tui.lanes import BLOCKED, PARTLY, QUIET, SHAPES, STALLED, Window, styles
from app.tui.palette import Palette
from app.tui.panel import Line
from app.tui.view import View
from servers.block import WORDS

SEAM = "▐"
"""The first cell of a stall that follows upon another one: half of it is left empty."""

LEAD = 3
"""So many columns of a block may part a stall from the words beside it."""


@dataclass(frozen=True)
class Cover:
    """A block or a stall on the lane: where it is painted, and what may be said of it, the most first."""

    place: range
    value: int
    wordings: tuple[str, ...]

    @property
    def stalled(self) -> bool:
        """Whether it is a stall, which is also named beside its own cells."""
        return self.value == STALLED


def server_lane(view: View, window: Window, stalls: Iterable[Stall]) -> Line:
    """The lane. Stalls cover blocks, the one that one has gone back to covers others, and so does a longer one."""
    covers = [*_stalls(view, window, stalls), *_blocks(view, window)]
    owners = _owners(covers, window.width)
    cells = _painted(view, window, covers, owners)
    free = [owner is None for owner in owners]
    for cover in covers:
        piece = _widest(owners, cover) if cover.wordings else range(0)
        words, first = _placed(cover, piece, _lead(owners, piece), free)
        for place, char in enumerate(words, first):
            free[place] = False
            if cells[place][0] != SEAM:
                cells[place] = (char, _style(cover, owners[first] is cover, view.palette))
    return [("".join(char for char, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])]


def _stalls(view: View, window: Window, stalls: Iterable[Stall]) -> list[Cover]:
    ranked = sorted(stalls, key=lambda stall: (stall.number != view.chosen_stall, -stall.lasted(view.now)))
    covers = []
    for stall in ranked:
        why, lasted = stall.cause.value, stall.lasted(view.now)
        length = text.duration(lasted) if stall.end else text.elapsed(lasted)
        place = window.columns(stall.begin, stall.end or view.now)
        short = SHORT.get(stall.cause, why)
        covers.append(Cover(place, STALLED, (f"{why} {length}", why, f"{short} {length}", short, length)))
    return covers


def _blocks(view: View, window: Window) -> list[Cover]:
    """Those that stopped everybody before those that did not."""
    ranked = sorted(view.session.blocks, key=lambda block: not block.stops_all)
    return [_block(block, view.now, window) for block in ranked if (block.end or view.now) >= window.begin]


def _block(block: BlockSpan, now: int, window: Window) -> Cover:
    end = block.end or now
    word = WORDS.get(block.kind, block.kind)
    wordings = (f"{word} {text.duration(end - block.begin)}", word) if block.stops_all else ()
    return Cover(window.columns(block.begin, end), BLOCKED if block.stops_all else PARTLY, wordings)


def _owners(covers: list[Cover], width: int) -> list[Cover | None]:
    """Whose each column is: the first one's that covers it."""
    owners: list[Cover | None] = [None] * width
    for cover in reversed(covers):
        for column in cover.place:
            owners[column] = cover
    return owners


def _painted(view: View, window: Window, covers: list[Cover], owners: list[Cover | None]) -> list[tuple[str, Style]]:
    """The columns without words."""
    lane, colours = bytearray(window.width), styles(view.palette)
    if server := view.session.server:
        window.paint(lane, server.started_at, server.exited_at or view.now, QUIET)
    cells = []
    for column, owner in enumerate(owners):
        value = owner.value if owner else lane[column]
        before = owners[column - 1] if column else None
        seam = owner and before and owner is not before and owner.stalled and before.stalled
        cells.append((SEAM if seam else SHAPES[value], colours[value]))
    return cells


def _widest(owners: list[Cover | None], cover: Cover) -> range:
    """The widest piece of it that can be seen."""
    pieces = []
    for mine, run in groupby(cover.place, key=lambda column: owners[column] is cover):
        columns = list(run)
        if mine:
            pieces.append(range(columns[0], columns[-1] + 1))
    return max(pieces, key=len, default=range(0))


def _lead(owners: list[Cover | None], piece: range) -> int:
    """The first column of a piece with the bit of a block just before it, beyond which its words may stand."""
    first = piece.start
    while first and piece.start - first < LEAD and (owner := owners[first - 1]) and not owner.stalled:
        first -= 1
    return first


def _placed(cover: Cover, piece: range, lead: int, free: list[bool]) -> tuple[str, int]:
    """The fullest words there is room for, and their first column: within the piece, or else right beside it."""
    before, after = _room(free, lead - 1, -1), _room(free, piece.stop, 1)
    for words in (f" {wording} " for wording in cover.wordings if piece):
        if len(words) <= len(piece):
            return words, piece.start
        if cover.stalled and len(words) <= before:
            return words, lead - len(words)
        if cover.stalled and len(words) <= after:
            return words, piece.stop
    return "", 0


def _style(cover: Cover, inside: bool, palette: Palette) -> Style:
    """On the colour of what they name, or beside it in that colour."""
    if not inside:
        return palette.bad
    return palette.stalled if cover.stalled else palette.blocked


def _room(free: list[bool], start: int, step: int) -> int:
    """Free columns from one on, less one that parts the words from what else is there."""
    column = start
    while 0 <= column < len(free) and free[column]:
        column += step
    at_the_edge = not 0 <= column < len(free)
    return abs(column - start) - (not at_the_edge)
