"""The line at the top: what runs, where, since when; the block in words; what the dashboard costs and has lost."""

from collections.abc import Hashable

from app.tui import text
from app.tui.panel import Line, Panel
from app.tui.panels.log import ending
from app.tui.view import View
from servers.block import WORDS


class Header(Panel, can_focus=False):
    """One row, read from left to right; the clock and the dashboard's own state stay at the right."""

    SELECTS = False

    def fingerprint(self, view: View) -> Hashable:
        session, server = view.session, view.session.server
        lag = session.worst_lag(view.now)
        return (
            view.running, server and (server.pid, server.listening_at, server.exited_at), session.totals.lost,
            view.now // text.SECOND, session.block, lag and lag // text.MS, session.totals.garbled,
        )  # fmt: skip

    def prepare(self, view: View) -> None:
        self.last = 1

    def line(self, index: int, width: int) -> Line:
        assert self.view
        left, right = self._left(), self._right()
        used = sum(len(words) for words, _ in right)
        line: Line = []
        room = width - used - 1
        for words, style in left:
            if len(words) > room:
                break
            line.append((words, style))
            room -= len(words)
        return [*line, (" " * (max(room, 0) + 1), self.view.palette.text), *right]

    def _left(self) -> Line:
        assert self.view
        view, palette = self.view, self.view.palette
        server, block = view.session.server, view.session.block
        line: Line = [(" echo-tui ", palette.accent)]
        if view.running is None or server is None:
            return [*line, ("  no server", palette.dim)]
        line.append((f" {view.running.title} ", palette.strong))
        if not server.running:
            line.append((f"  ✗ {ending(server)}", palette.dim if server.wanted else palette.bad))
        elif server.listening_at:
            line.append((f"  ● serving {server.address}", palette.good))
        else:
            line.append(("  ○ not listening" if not view.running.serves else "  ○ starting", palette.dim))
        words = f"{WORDS.get(block.kind, block.kind)} {block.seconds:g} s"
        line.append(
            (f"   block: {words} ON" if block.on else "   block: off", palette.blocked if block.on else palette.dim)
        )
        line.append((f"   pid {server.pid}", palette.dim))
        return line

    def _right(self) -> Line:
        assert self.view
        view, palette = self.view, self.view.palette
        totals, server = view.session.totals, view.session.server
        line: Line = []
        if totals.lost + totals.garbled:
            line.append((f"  lost {totals.lost + totals.garbled:,}", palette.bad))
        lag = view.session.worst_lag(view.now)
        if lag is not None:
            late = lag >= 50 * text.MS
            line.append((f"  lag {lag / text.MS:.0f} ms", palette.waiting if late else palette.faint))
        if server:
            line.append((f"  {text.clock((server.exited_at or view.now) - server.started_at)} ", palette.text))
        return line
