"""The live system calls of the server, while strace is attached."""

from collections.abc import Hashable

from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel
from echo_tui.tui.view import View
from echo_tui.words import panels as words

WAITS = ("epoll_wait", "epoll_pwait", "select", "pselect6", "poll", "ppoll", "accept", "futex", "nanosleep")
"""Highlighted calls: those a server waits in."""


class CallsPanel(Panel):
    """The panel with one line for each call, the last for the current one; it follows the end until scrolled back."""

    TITLE = "calls"
    FOLLOWS = True

    def fingerprint(self, view: View) -> Hashable:
        return (view.session.calls.total, view.session.calls.begun, view.strace_view)

    def prepare(self, view: View) -> None:
        calls = view.session.calls
        self.first, self.last = calls.total - len(calls.kept), calls.total + bool(calls.begun)
        wordings = words.system_calls(calls.seen) if view.strace_view else [words.title(self.TITLE)]
        self.title_text = text.first_that_fits(wordings, self.extent.width - 2)

    def line(self, index: int, width: int) -> Line:
        assert self.view
        calls, palette = self.view.session.calls, self.view.palette
        if index == calls.total and calls.begun:
            return [(f"{words.now_in()} ", palette.accent), (f"{text.clean(calls.begun)}...", palette.strong)]
        place = index - (calls.total - len(calls.kept))
        if not 0 <= place < len(calls.kept):
            return []
        shown = text.clean(calls.kept[place])
        return [(shown, palette.strong if any(wait in shown for wait in WAITS) else palette.dim)]
