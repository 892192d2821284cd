"""The panel of a server that runs already: its command line, its processes, and which evidence can't be had."""

import contextlib
import os
from collections.abc import Hashable, Iterator

import psutil

from echo_tui.session.architecture import recognise
from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel, wrap
from echo_tui.tui.view import View
from echo_tui.words import header
from echo_tui.words import target as words
from echo_tui.words.architecture import architecture


class TargetPanel(Panel):
    """The panel in the place of the list of patterns."""

    TITLE = "target"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._user: tuple[int, str] = (0, "")

    def fingerprint(self, view: View) -> Hashable:
        server, resources = view.session.server, view.session.resources
        processes = [(pid, each.rss, len(each.cpu)) for pid, each in resources.processes.items() if not each.gone_at]
        return (
            server and (server.pid, server.exited_at),
            str(processes),
            tuple(view.session.missing),
            view.session.threads.paused,
            view.workers,
            recognise(view.session),
        )

    def prepare(self, view: View) -> None:
        self._lines = list(self._describe(view))
        self.last = len(self._lines)

    def line(self, index: int, width: int) -> Line:
        return self._lines[index]

    def _describe(self, view: View) -> Iterator[Line]:
        palette, session, width = view.palette, view.session, self.extent.width
        server = session.server
        if not server:
            return
        program, _, arguments = server.pattern.partition(" ")
        for part in wrap(text.clean(f"{program.rpartition('/')[2]} {arguments}"), width):
            yield [(part, palette.strong)]
        # A recorded or remote process is none of this machine, whatever runs here under its number.
        owner = self._owner(server.pid) if view.texts is None else ""
        yield [(f"{header.process(server.pid)}  {owner}".rstrip(), palette.text)]
        yield [(text.clean(server.address), palette.good if server.running else palette.dim)]
        yield []
        for part in wrap(architecture(recognise(session)), width):
            yield [(part, palette.accent)]
        yield [(words.workers(view.workers), palette.dim)]
        for pid, process in session.resources.processes.items():
            if not process.gone_at:
                share = f"{process.cpu[-1][1]:.0f} %" if process.cpu else text.UNKNOWN
                yield [(f"{pid:>7} {share:>5}  {text.size(process.rss)}", palette.text)]
        if paused := session.threads.paused:
            yield []
            for part in wrap(words.paused(text.duration(paused)), width):
                yield [(part, palette.dim)]
        for what, why in session.missing.items():
            yield []
            for part in wrap(f"{what}: {text.clean(why)}", width):
                yield [(part, palette.waiting)]

    def _owner(self, pid: int) -> str:
        """Return the user of a process; empty if it has ended."""
        if self._user[0] != pid:
            self._user = (pid, "")
            with contextlib.suppress(psutil.Error, OSError, KeyError):
                self._user = (pid, psutil.Process(pid).username() if os.path.exists(f"/proc/{pid}") else "")
        return text.clean(self._user[1])
