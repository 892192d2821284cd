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
        words, first = _placed(cover, piece, owners, free)
        for place, char in enumerate(words, first):
            free[place] = False
            if cells[place][0] != SEAM:
                cells[place] = (char, _style(cover, owners[place], view.palette))
    return [("".join(char for char, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])]


def _stalls(view: View, window: Window, stalls: Iterable[Stall]) -> list[Cover]:
    ranked = sorted(stalls, key=lambda stall: (stall.number != view.chosen_stall, -stall.lasted(view.now)))
    covers = []
    for stall in ranked:
        why, lasted = stall.cause.value, stall.lasted(view.now)
        length = text.duration(lasted) if stall.end else text.elapsed(lasted)
        place = window.columns(stall.begin, stall.end or view.now)
        short = SHORT.get(stall.cause, why)
        least = text.elapsed(lasted)
        covers.append(Cover(place, STALLED, (f"{why} {length}", f"{short} {length}", length, least)))
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


def _placed(cover: Cover, piece: range, owners: list[Cover | None], free: list[bool]) -> tuple[str, int]:
    """The fullest words there is room for, and their first column: within the piece, or else right beside it.

    The least words of a stall may stand on its own cells and the free ones beside them, if there is no other place.
    """
    lead = _lead(owners, piece)
    before, after = _room(free, lead - 1, -1), _room(free, piece.stop, 1)
    for words in (f" {wording} " for wording in cover.wordings if piece):
        if len(words) <= len(piece):
            return words, piece.start
        if cover.stalled and len(words) <= before:
            return words, lead - len(words)
        if cover.stalled and len(words) <= after:
            return words, piece.stop
    if cover.stalled and piece:
        whole_lead = not (lead and owners[lead - 1])  # a longer block may have words of its own
        begin, least = lead if whole_lead else piece.start, f" {cover.wordings[-1]} "
        if len(least) <= piece.stop - begin + _run(free, begin - 1, -1):
            return least, piece.stop - len(least)
        if len(least) <= len(piece) + _run(free, piece.stop, 1):
            return least, piece.start
    return "", 0


def _style(cover: Cover, owner: Cover | None, palette: Palette) -> Style:
    """On the colour of what they stand on, or beside it in that of what they name."""
    if owner is None:
        return palette.bad
    return palette.stalled if owner.stalled else palette.blocked


def _room(free: list[bool], start: int, step: int) -> int:
    """Free columns from one on, less one that parts the words from what else is there."""
    columns = _run(free, start, step)
    at_the_edge = not 0 <= start + columns * step < len(free)
    return columns - (not at_the_edge)


def _run(free: list[bool], start: int, step: int) -> int:
    """Free columns from one on."""
    column = start
    while 0 <= column < len(free) and free[column]:
        column += step
    return abs(column - start)
