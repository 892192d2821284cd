"""Shown in place of the panels when the server has died: how it ended, and its last output."""

from collections.abc import Hashable

from echo_servers.server import USAGE

from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel, wrap
from echo_tui.tui.panels.log import ending
from echo_tui.tui.view import View
from echo_tui.words import panels as words


class EndedPanel(Panel):
    """The panel with the exit code or signal of the server, its notes, and its stderr."""

    TITLE = "ended"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []

    def fingerprint(self, view: View) -> Hashable:
        server = view.session.server
        return (server and server.exited_at, len(view.session.printed.lines), self.extent.width)

    def prepare(self, view: View) -> None:
        self._lines = list(self._story(view)) if view.session.server else []
        self.last = len(self._lines)

    def line(self, index: int, width: int) -> Line:
        return self._lines[index]

    def _story(self, view: View) -> list[Line]:
        palette, session, server = view.palette, view.session, view.session.server
        assert server
        lasted = server.exited_at - server.started_at
        title = view.started.title if view.started else words.the_server()
        errors = [text.clean(line.text) for line in session.printed.lines if line.stream == "stderr"]
        if server.code == USAGE and errors:
            return [
                [(words.cannot_start(title), palette.bad)],
                [],
                *([(line, palette.text)] for line in wrap(errors[-1].partition(": ")[2], self.extent.width - 1)),
            ]
        lines: list[Line] = [
            [(f"{title} {ending(server)}", palette.bad), (f"  {words.after(text.duration(lasted))}", palette.dim)],
            [],
        ]
        notes = [
            note for note in session.printed.notes if note.pid == server.pid or note.pid in session.resources.processes
        ]
        for note in notes:
            lines += [[(line, palette.waiting)] for line in wrap(text.clean(note.text), self.extent.width - 1)]
        if notes:
            lines.append([])
        if len(errors) > 1:  # the last line of a traceback names the error
            lines += [[(errors[-1], palette.strong)], []]
        lines += [[(line, palette.strong if line and line == errors[-1] else palette.text)] for line in errors]
        if view.badge:
            return lines
        if not view.starts:
            return [*lines, [(words.watched_again(), palette.dim)]]
        if not errors:
            lines.append([(words.no_stderr(), palette.dim)])
        lines += [[], [(words.start_again(view.keys["toggle"]), palette.dim)]]
        return lines
