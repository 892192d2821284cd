"""The server's own lane of the timeline: its blocks and stalls, with labels that never overlap."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from echo_servers.block import WORDS
from rich.style import Style

from echo_tui.diagnosis.stall import Stall
from echo_tui.model.blocks import BlockSpan
from echo_tui.tui import text
from echo_tui.tui.lanes import BLOCKED, PARTLY, QUIET, SHAPES, STALLED, Window, styles
from echo_tui.tui.palette import Palette
from echo_tui.tui.panel import Line
from echo_tui.tui.view import View
from echo_tui.words import stalls as words_of

SEAM = "▐"
"""The first cell of a stall that directly follows another one: its left half is empty."""

LEAD = 3
"""At most this many columns of a block may lie between a stall and a label beside it."""


@dataclass(frozen=True)
class Cover:
    """A block or a stall on the lane: its columns, and the wordings of its label, the longest first."""

    place: range
    value: int
    wordings: tuple[str, ...]

    @property
    def stalled(self) -> bool:
        """Whether it is a stall; only a stall's label may be placed beside its own cells."""
        return self.value == STALLED


def server_lane(view: View, window: Window, stalls: Iterable[Stall]) -> Line:
    """Return the lane. Stalls cover blocks, the chosen stall covers others, and longer stalls cover shorter ones."""
    covers = [*_stalls(view, window, stalls), *_blocks(view, window)]
    owners = _owners(covers, window.width)
    cells = _painted(view, window, covers, owners)
    free, worded = [owner is None for owner in owners], set[int]()
    for cover in covers:
        piece = _widest(owners, cover) if cover.wordings else range(0)
        words, first = _placed(cover, piece, owners, free, worded)
        for place, char in enumerate(words, first):
            free[place] = False
            if char != " ":
                worded.add(place)
            if cells[place][0] != SEAM:
                cells[place] = (char, _style(cover, owners[place], view.palette))
    return [("".join(char for char, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])]


def _stalls(view: View, window: Window, stalls: Iterable[Stall]) -> list[Cover]:
    ranked = sorted(stalls, key=lambda stall: (stall.number != view.chosen_stall, -view.lasted(stall)))
    covers = []
    for stall in ranked:
        cause, length, least = view.whole(stall).cause, view.length(stall), text.elapsed(view.lasted(stall))
        place = window.columns(stall.begin, stall.end or view.now)
        why, short = words_of.label(cause), words_of.short(cause)
        covers.append(Cover(place, STALLED, (f"{why} {length}", f"{short} {length}", length, least)))
    return covers


def _blocks(view: View, window: Window) -> list[Cover]:
    """Return the blocks; those that left no worker free come first."""
    ranked = sorted(view.session.blocks.spans, key=lambda block: not block.stops_all)
    return [_block(block, view.now, window) for block in ranked if (block.end or view.now) >= window.begin]


def _block(block: BlockSpan, now: int, window: Window) -> Cover:
    end = block.end or now
    word = WORDS.get(block.kind, block.kind)
    wordings = (f"{word} {text.duration(end - block.begin)}", word) if block.stops_all else ()
    return Cover(window.columns(block.begin, end), BLOCKED if block.stops_all else PARTLY, wordings)


def _owners(covers: list[Cover], width: int) -> list[Cover | None]:
    """Return the owner of each column: the first cover that contains it."""
    owners: list[Cover | None] = [None] * width
    for cover in reversed(covers):
        for column in cover.place:
            owners[column] = cover
    return owners


def _painted(view: View, window: Window, covers: list[Cover], owners: list[Cover | None]) -> list[tuple[str, Style]]:
    """Return the cells without labels."""
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
    """Return the widest visible run of columns of a cover; empty if it is hidden."""
    pieces = []
    for mine, run in groupby(cover.place, key=lambda column: owners[column] is cover):
        columns = list(run)
        if mine:
            pieces.append(range(columns[0], columns[-1] + 1))
    return max(pieces, key=len, default=range(0))


def _edge(owners: list[Cover | None], start: int, step: int) -> tuple[int, bool]:
    """Return the first column beyond the part of a block beside a stall, and whether that part is the whole block.

    The stall's label may be placed beyond it; a longer block may have a label of its own.
    """
    column = start
    while abs(column - start) < LEAD and (owner := _at(owners, column)) and not owner.stalled:
        column += step
    beyond = _at(owners, column)
    return column, not beyond or beyond.stalled


def _at(owners: list[Cover | None], column: int) -> Cover | None:
    return owners[column] if 0 <= column < len(owners) else None


def _placed(
    cover: Cover, piece: range, owners: list[Cover | None], free: list[bool], worded: set[int]
) -> tuple[str, int]:
    """Return the longest label that fits, and its first column: within the piece, or else directly beside it."""
    if not piece:
        return "", 0
    left, first_bit = _edge(owners, piece.start - 1, -1)
    right, last_bit = _edge(owners, piece.stop, 1)
    before, after = _room(free, left, -1), _room(free, right, 1)
    for words in (f" {wording} " for wording in cover.wordings):
        if len(words) <= len(piece):
            return words, piece.start
        if cover.stalled and len(words) <= before:
            return words, left + 1 - len(words)
        if cover.stalled and len(words) <= after:
            return words, right
    if not cover.stalled:
        return "", 0
    usable = range(left + 1 if first_bit else piece.start, right if last_bit else piece.stop)
    return _squeezed(cover, piece, usable, free, worded)


def _squeezed(cover: Cover, piece: range, usable: range, free: list[bool], worded: set[int]) -> tuple[str, int]:
    """Return the shortest label of a stall and its first column, on free or `usable` columns; "" if it does not fit."""

    def cost(first: int) -> tuple[int, int]:
        columns = range(first, first + len(words))
        return sum(not free[column] and column not in piece for column in columns), abs(columns.stop - piece.stop)

    for after in (" ", ""):
        words = f" {cover.wordings[-1]}{after}"
        places = []
        for first in range(max(piece.start - len(words) + 1, 0), min(piece.stop, len(free) - len(words) + 1)):
            end = first + len(words)
            fits = all(free[column] or column in usable for column in range(first, end))
            parted = worded.isdisjoint(range(first - 1, end + 1)) and (after or piece.stop <= end < usable.stop)
            places += [first] * bool(fits and parted)
        if places:
            return words, min(places, key=cost)
    return "", 0


def _style(cover: Cover, owner: Cover | None, palette: Palette) -> Style:
    """Return the style of a label's cell: the chip of the cover below it, or a stall's colour on a free cell."""
    if owner is None:
        return palette.bad
    return palette.stalled if owner.stalled else palette.blocked


def _room(free: list[bool], start: int, step: int) -> int:
    """Return the number of free columns from `start`, less one for a gap unless they reach the edge."""
    column = start
    while 0 <= column < len(free) and free[column]:
        column += step
    at_the_edge = not 0 <= column < len(free)
    return abs(column - start) - (not at_the_edge)
