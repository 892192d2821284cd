"""The panel before the first server: what the program is, what to press, and the story and source of a pattern."""

import functools
from collections.abc import Hashable

from echo_tui.tui.code import code
from echo_tui.tui.panel import Line, Panel, wrap
from echo_tui.tui.story import story
from echo_tui.tui.view import View, fix_now
from echo_tui.words import welcome


class WelcomePanel(Panel):
    """The panel in the place of all panels about the server, until one is started."""

    TITLE = "welcome"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._coloured = functools.lru_cache(maxsize=4)(code)
        self._shown: str | None = None

    def fingerprint(self, view: View) -> Hashable:
        return (view.pattern and view.pattern.name, view.block.kind, fix_now(view))

    def prepare(self, view: View) -> None:
        width, palette = self.extent.width, view.palette
        about = [(line, palette.text) for words in welcome.sentences() for line in wrap(words, width)]
        names = (view.keys["demo"], "⏎", view.keys["help"])
        keys: list[Line] = [
            [(f"{key:>5} ", palette.accent), (what, palette.strong)] for key, what in welcome.keys(*names)
        ]
        self._lines = [*([part] for part in about), *keys, []]
        if view.pattern:
            coloured = self._coloured(str(view.pattern.source), palette)
            self._lines += [*story(view.pattern, view, width), [], *coloured]
        self.last = len(self._lines)
        if self._shown != (name := view.pattern.name if view.pattern else None):
            self._shown, self.top = name, 0

    def line(self, index: int, width: int) -> Line:
        return self._lines[index]
