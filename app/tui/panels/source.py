"""The pattern's story, and its source with syntax colouring."""

from collections.abc import Hashable

from rich.console import Console
from rich.style import Style
from rich.syntax import Syntax

from app.tui.panel import Line, Panel, wrap
from app.tui.view import View
from servers.catalog import Pattern


class SourcePanel(Panel):
    """What a speaker says, then what a server of this kind looks like."""

    TITLE = "Source"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._made_for: Hashable = None

    def fingerprint(self, view: View) -> Hashable:
        return view.pattern and view.pattern.name

    def prepare(self, view: View) -> None:
        made_for = (view.pattern, view.palette, self.extent.width)
        if made_for == self._made_for or view.pattern is None:
            return
        self._made_for = made_for
        self.title_text = f"Source: servers/{view.pattern.source.name}"
        self._lines = [*story(view.pattern, view, self.extent.width), [], *code(view.pattern, view)]
        self.last = len(self._lines)
        self.top = 0

    def line(self, index: int, width: int) -> Line:
        return self._lines[index]


def story(pattern: Pattern, view: View, width: int) -> list[Line]:
    """What this pattern is, what to watch, and what a block does to it."""
    palette = view.palette
    lines: list[Line] = [[(pattern.title, palette.strong)]]
    lines += [[(line, palette.text)] for line in wrap(pattern.story, width)]
    for title, words in (("Watch", pattern.watch), ("Block", pattern.blocking)):
        first, *rest = wrap(words, width - 7)
        lines.append([(f"{title:7}", palette.accent), (first, palette.text)])
        lines += [[(" " * 7 + line, palette.text)] for line in rest]
    return lines


def code(pattern: Pattern, view: View) -> list[Line]:
    """The file, with line numbers and colours."""
    source = pattern.source.read_text()
    syntax = Syntax(source, "python", theme="monokai" if view.palette.dark else "xcode")
    console = Console(width=200, color_system="truecolor", force_terminal=True, legacy_windows=False)
    lines: list[Line] = []
    for number, content in enumerate(syntax.highlight(source.rstrip("\n")).split("\n"), 1):
        line: Line = [(f"{number:3} ", view.palette.faint)]
        for segment in content.render(console, end=""):
            style = segment.style or Style.null()
            line.append((segment.text, Style(color=style.color, bold=style.bold, italic=style.italic)))
        lines.append(line)
    return lines
