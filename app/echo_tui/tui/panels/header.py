"""The header: the server, its address and run time, the block, stalls, lost records, and the sampling rate."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from echo_servers.block import WORDS, BlockSetting
from echo_servers.catalog import BY_NAME
from echo_servers.ceiling import REACHED
from rich.style import Style

from echo_tui.model.blocks import KEEPS_GIL, BlockSpan
from echo_tui.model.server import ServerState
from echo_tui.tour.seen import burnt
from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.panels.cpu import NOTABLE
from echo_tui.tui.panels.log import ending
from echo_tui.tui.view import View
from echo_tui.words import header as words_of
from echo_tui.words import recording, states

INTERPRETERS = ("python", "pypy", "node", "java", "ruby", "perl")
SLOW = 150 * text.MS
"""Sampling intervals longer than this (ns) are shown as slowed down."""

STEPS = 12
"""The number of steps in which parts are shortened or left out if the row is too short."""


@dataclass(frozen=True)
class HeaderPart:
    """A part of the row. Steps are applied from the highest down until the row fits."""

    words: str
    style: Style
    goes: int = 0
    """The step at which it is left out; 0 means never."""
    short: str = ""
    shortens: int = 0
    """The step at which `short` replaces its words; 0 means never."""

    def at(self, step: int) -> "HeaderPart | None":
        """Return the part after a step; None if the step leaves it out."""
        if step == self.goes:
            return None
        return replace(self, words=self.short) if step == self.shortens else self


class Header(Panel, can_focus=False):
    """The panel of one row: the server on the left; stalls, the dashboard's own state and the clock on the right."""

    SELECTS = False

    def fingerprint(self, view: View) -> Hashable:
        session, server = view.live, view.live.server
        switch = session.block
        block = (switch.on, switch.kind, switch.seconds, switch.every, switch.only)
        lag = session.resources.worst_lag(view.clock)
        return (
            view.started, server and (server.pid, server.listening_at, server.exited_at), session.totals.lost,
            view.clock // text.SECOND, block, lag and lag // text.MS, session.totals.garbled,
            interval(view), stalled(view), calls_that_block(view), burnt_for_nothing(view), growth(view),
            session.printed.held, ceiling_struck(view), view.ended, len(session.replies.since),
        )  # fmt: skip

    def prepare(self, view: View) -> None:
        self.last = 1

    def line(self, index: int, width: int) -> Line:
        left, right = self._left(), self._right()
        for step in range(STEPS, 0, -1):
            if _length(left) + _length(right) <= width:
                break
            left, right = _at(step, left), _at(step, right)
        gap = max(width - _length(left) - _length(right), 0)
        return [(p.words, p.style) for p in left] + [(" " * gap, Style.null())] + [(p.words, p.style) for p in right]

    def _left(self) -> list[HeaderPart]:
        assert self.view
        view, palette = self.view, self.view.palette
        server = view.live.server
        parts = [HeaderPart(" ", palette.text), HeaderPart("echo-tui  ", palette.accent, goes=9)]
        if view.badge:
            parts += [HeaderPart(f" {view.badge} ", palette.blocked), HeaderPart("  ", palette.text)]
        if view.ended:
            parts += [HeaderPart(f"{recording.remote_ended()}  ", palette.bad)]
        runs = BY_NAME.get(server.pattern) if server else None
        if server is None:
            return [*parts, HeaderPart(f"{words_of.no_server()}   ", palette.dim), self._block()]
        if runs is None:
            return [*parts, *self._attached(server)]
        parts.append(HeaderPart(f"{runs.title}{f' ({view.share})' if runs.shares else ''}  ", palette.strong))
        if not server.running:
            parts.append(HeaderPart(f"✗ {ending(server)}   ", palette.dim if server.wanted else palette.bad, goes=1))
        elif server.listening_at:
            parts += [
                HeaderPart("● ", palette.good, goes=1),
                HeaderPart(f"{words_of.serving()} ", palette.good, goes=10),
            ]
            port = f":{server.port}  "
            parts.append(HeaderPart(f"{server.address}   ", palette.good, goes=1, short=port, shortens=5))
        else:
            parts.append(HeaderPart(f"○ {words_of.not_listening(runs.serves)}   ", palette.dim, goes=1))
        parts.append(self._block())
        if view.live.printed.held:
            parts += [HeaderPart(" ", palette.text), HeaderPart(f" {words_of.stdout_held()} ", palette.blocked)]
        parts.append(HeaderPart(f"   {words_of.process(server.pid)}", palette.dim, goes=12))
        return parts

    def _attached(self, server: ServerState) -> list[HeaderPart]:
        """Return the parts of a server that was not started here."""
        assert self.view
        palette, name = self.view.palette, program(server.pattern)
        if not server.running:
            return [HeaderPart(f"{name}  ", palette.strong), HeaderPart(f"✗ {ending(server)}   ", palette.bad)]
        state = HeaderPart(f"● {server.address}   ", palette.good, short=f"● :{server.port}  ", shortens=5)
        return [
            HeaderPart(f"{name}  ", palette.strong),
            state,
            HeaderPart(words_of.process(server.pid), palette.dim, goes=12),
        ]

    def _block(self) -> HeaderPart:
        assert self.view
        block, palette = self.view.block, self.view.palette
        if first := min(self.view.live.blocks.running.values(), key=lambda span: span.begin, default=None):
            elapsed = (self.view.clock - first.begin) // text.SECOND
            long, short = states.remaining(WORDS.get(first.kind, first.kind), elapsed, first.seconds)
            ending = "" if block.on else words_of.then_off()
            return HeaderPart(f" {long}{ending} ", palette.blocked, short=f" {short} ", shortens=4)
        if block.on:
            only = f":{block.only}" if block.only else ""
            long, short = words_of.block_on(BlockSetting(block.kind, block.seconds, block.every).spec, only)
            return HeaderPart(f" {long} ", palette.blocked, short=f" {short} ", shortens=4)
        return HeaderPart(words_of.block_off(), palette.dim)

    def _right(self) -> list[HeaderPart]:
        assert self.view
        view, palette = self.view, self.view.palette
        totals, server = view.live.totals, view.live.server
        parts = []
        length, ago = stalled(view)
        if length:
            parts.append(HeaderPart(f"  {words_of.stalled(length)} ", palette.stalled))
        elif calls := calls_that_block(view):
            parts.append(HeaderPart(f"  {states.blocked_by_calls(*calls)} ", palette.blocked))
        elif ago:
            long, short = words_of.last_stall(ago)
            parts.append(HeaderPart(f"  {long} ", palette.dim, goes=2, short=f"  {short} ", shortens=7))
        if pending := view.live.replies.since:
            long, short = states.pending(len(pending), text.elapsed(view.live.replies.oldest(view.clock)))
            parts.append(HeaderPart(f"  {long}", palette.waiting, goes=6, short=f"  {short}", shortens=8))
        if share := burnt_for_nothing(view):
            parts.append(HeaderPart(f"  {states.burnt(share)} ", palette.bad))
        if grown := growth(view):
            parts.append(HeaderPart(f"  {words_of.memory(text.size(grown))}", palette.waiting))
        if ceiling_struck(view):
            long, short = words_of.ceiling()
            parts.append(HeaderPart(f"  {long}", palette.bad, short=f"  {short}", shortens=1))
        if server:
            lost = totals.lost
            parts.append(
                HeaderPart(f"  {words_of.lost(lost)}", palette.bad if lost else palette.dim, goes=0 if lost else 11)
            )
        if totals.garbled:
            parts.append(HeaderPart(f"  {words_of.garbled(totals.garbled)}", palette.bad))
        lag = view.live.resources.worst_lag(view.clock)
        if lag is not None:
            style = palette.waiting if lag >= 50 * text.MS else palette.dim
            long, short = words_of.late(lag / text.MS)
            parts.append(HeaderPart(f"  {long}", style, goes=2, short=f"  {short}", shortens=12))
        if longest := interval(view):
            slow = longest > SLOW
            rate = f"{text.SECOND / longest:.0f}/s"
            least = text.duration(view.live.stalls.found_from(longest))
            long, short = words_of.slowed(rate, least) if slow else words_of.sampling(rate)
            style = palette.waiting if slow else palette.dim
            parts.append(HeaderPart(f"  {long}", style, goes=3, short=f"  {short}", shortens=11))
        if server:
            lasted = (server.exited_at or view.clock) - server.started_at
            parts.append(HeaderPart(f"  {text.clock(lasted)}", palette.text, goes=4))
        return [*parts, HeaderPart(" ", palette.text)]


def program(command: str) -> str:
    """Return the name of a program from its command line: that of its script, if an interpreter runs one."""
    words = [text.clean(word) for word in command.split()]
    names = [word.rpartition("/")[2] for word in words if not word.startswith("-")] or ["server"]
    interpreted = names[0].startswith(INTERPRETERS) and len(names) > 1
    return names[1] if interpreted else names[0]


def interval(view: View) -> int:
    """Return the longer of the sampling intervals (ns) of threads and sockets; 0 if neither is sampled."""
    return max(view.live.threads.interval or 0, view.live.server.interval if view.live.server else 0)


def growth(view: View) -> int:
    """Return the growth (bytes) of the server's memory since it began to listen; 0 if it is below `NOTABLE`."""
    grown = sum(process.growth for process in view.live.resources.processes.values() if not process.gone_at)
    return grown if grown >= NOTABLE else 0


def ceiling_struck(view: View) -> bool:
    """Return whether the server has stopped reading from a client because too many unsent bytes were buffered."""
    return any(note.code == REACHED for note in view.live.printed.notes)


def stalled(view: View) -> tuple[str, str]:
    """Return the length of the open stall, and how long ago the last one ended; at most one of them is not empty."""
    stalls = view.live.stalls
    going = [stall for stall in stalls.going.values() if not stall.end]
    if going:
        stall = min(going, key=lambda stall: stall.begin)
        return text.elapsed(stall.lasted(view.clock)), ""
    if not stalls.all:
        return "", ""
    return "", text.clock(view.clock - max(stall.end for stall in stalls.all))


def burnt_for_nothing(view: View) -> int:
    """Return the share of a core (percent) of a process that takes most of one while no message comes; else 0."""
    session = view.live
    share = burnt(session)
    if share is None or session.blocks.running:
        return 0
    began = session.server.listening_at if session.server else 0
    latest = max((connection.read_at for connection in session.connections.values()), default=0)
    return round(share) if view.clock - max(latest, began) > text.SECOND else 0


def calls_that_block(view: View) -> tuple[int, int] | None:
    """Return how many injected calls block a thread, and how many other connections it serves; None without any."""
    session = view.live
    if not (spans := session.blocks.by_thread):
        return None
    workers = {key for key in session.workers if key in spans or any(_keeps_gil(span, key) for span in spans.values())}
    return len(spans), max(sum(len(session.workers[key].serving) for key in workers) - len(spans), 0)


def _keeps_gil(span: BlockSpan, worker: tuple[int, int]) -> bool:
    return span.kind == KEEPS_GIL and span.pid == worker[0]


def _at(step: int, parts: list[HeaderPart]) -> list[HeaderPart]:
    return [left for part in parts if (left := part.at(step))]


def _length(parts: list[HeaderPart]) -> int:
    return sum(len(part.words) for part in parts)
