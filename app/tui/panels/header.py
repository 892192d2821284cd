"""The line at the top: what runs, where, since when; the block in words; what the dashboard costs and has lost."""

from collections.abc import Hashable
from dataclasses import dataclass

from rich.style import Style

from app.tui import text
from app.tui.panel import Line, Panel
from app.tui.panels.cpu import NOTABLE
from app.tui.panels.log import ending
from app.tui.view import View
from servers.block import BlockSetting
from servers.catalog import BY_NAME

SLOW = 100 * text.MS
"""An interval (ns) between two samples, beyond which it is not for calm that they are so far apart."""


@dataclass(frozen=True)
class Part:
    """A piece of the row; the higher its rank, the sooner it goes where room is short."""

    words: str
    style: Style
    rank: int


class Header(Panel, can_focus=False):
    """One row, read from left to right; the clock and the dashboard's own state stay at the right."""

    SELECTS = False

    def fingerprint(self, view: View) -> Hashable:
        session, server = view.live, view.live.server
        lag = session.worst_lag(view.clock)
        return (
            view.started, server and (server.pid, server.listening_at, server.exited_at), session.totals.lost,
            view.clock // text.SECOND, session.block, lag and lag // text.MS, session.totals.garbled,
            interval(view), stalled(view), growth(view), session.output_held,
        )  # fmt: skip

    def prepare(self, view: View) -> None:
        self.last = 1

    def line(self, index: int, width: int) -> Line:
        left, right = self._left(), self._right()
        # Where the row is too short, the parts that matter least go first.
        while _length(left) + _length(right) > width and len(left) + len(right) > 4:
            rank = max(part.rank for part in (*left, *right))
            left = [part for part in left if part.rank < rank]
            right = [part for part in right if part.rank < rank]
        gap = max(width - _length(left) - _length(right), 0)
        return [(p.words, p.style) for p in left] + [(" " * gap, Style.null())] + [(p.words, p.style) for p in right]

    def _left(self) -> list[Part]:
        assert self.view
        view, palette = self.view, self.view.palette
        server = view.live.server
        parts = [Part(" ", palette.text, 0), Part("echo-tui  ", palette.accent, 3)]
        runs = BY_NAME.get(server.pattern) if server else None
        if runs is None or server is None:
            return [*parts, Part("no server   ", palette.dim, 0), self._block()]
        parts.append(Part(f"{runs.title}  ", palette.strong, 0))
        if not server.running:
            parts.append(Part(f"✗ {ending(server)}   ", palette.dim if server.wanted else palette.bad, 1))
        elif server.listening_at:
            parts += [Part("● ", palette.good, 1), Part("serving ", palette.good, 4)]
            parts.append(Part(f"{server.address}   ", palette.good, 2))
        else:
            parts.append(Part("○ starting   " if runs.serves else "○ not listening   ", palette.dim, 1))
        parts.append(self._block())
        if view.live.output_held:
            parts += [Part(" ", palette.text, 0), Part(" stdout held ", palette.blocked, 0)]
        parts.append(Part(f"   pid {server.pid}", palette.dim, 7))
        return parts

    def _block(self) -> Part:
        assert self.view
        block, palette = self.view.live.block, self.view.palette
        if block.on:
            words = BlockSetting(block.kind, block.seconds, block.every)
            return Part(f" block: {words} ON ", palette.blocked, 0)
        return Part("block: off", palette.dim, 5)

    def _right(self) -> list[Part]:
        assert self.view
        view, palette = self.view, self.view.palette
        totals, server = view.live.totals, view.live.server
        parts = []
        words, goes_on = stalled(view)
        if words:
            parts.append(Part(f"  {words} ", palette.stalled if goes_on else palette.dim, 1 if goes_on else 4))
        if grown := growth(view):
            parts.append(Part(f"  memory +{text.size(grown)}", palette.waiting, 1))
        if totals.lost:
            parts.append(Part(f"  lost {totals.lost:,}", palette.bad, 1))
        if totals.garbled:
            parts.append(Part(f"  garbled {totals.garbled:,}", palette.bad, 1))
        lag = view.live.worst_lag(view.clock)
        if lag is not None:
            late = lag >= 50 * text.MS
            parts.append(Part(f"  lag {lag / text.MS:.0f} ms", palette.waiting if late else palette.dim, 6))
        if longest := interval(view):
            slow = longest > SLOW
            words = f"  sampling {'slowed to ' if slow else ''}{text.SECOND / longest:.0f}/s"
            parts.append(Part(words, palette.waiting if slow else palette.dim, 8))
        if server:
            lasted = (server.exited_at or view.clock) - server.started_at
            parts.append(Part(f"  {text.clock(lasted)} ", palette.text, 2))
        return parts


def interval(view: View) -> int:
    """The longest time (ns) between two looks of the same kind at the kernel; 0 if none is made."""
    return max(view.live.threads.interval or 0, view.live.server.interval if view.live.server else 0)


def growth(view: View) -> int:
    """By how many bytes the server's memory has grown since it began to listen; 0 if that is not worth a word."""
    grown = sum(process.growth for process in view.live.processes.values() if not process.gone_at)
    return grown if grown >= NOTABLE else 0


def stalled(view: View) -> tuple[str, bool]:
    """The stall that goes on, or how long ago the last one ended; and whether one goes on."""
    stalls = view.live.stalls
    going = [stall for stall in stalls.going.values() if not stall.end]
    if going:
        stall = min(going, key=lambda stall: stall.begin)
        return f"STALLED {text.elapsed(stall.lasted(view.clock))}", True
    if not stalls.all:
        return "", False
    return f"last stall {text.clock(view.clock - max(stall.end for stall in stalls.all))} ago", False


def _length(parts: list[Part]) -> int:
    return sum(len(part.words) for part in parts)
