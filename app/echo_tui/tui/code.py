"""Python source with line numbers and syntax colouring."""

from collections.abc import Callable

from rich.console import Console
from rich.style import Style
from rich.syntax import Syntax

from echo_tui.tui import text
from echo_tui.tui.lines import read_lines
from echo_tui.tui.palette import Palette
from echo_tui.tui.panel import Line

GUTTER = 3
"""Cells before a line number, for the mark of the threads in that line."""
CODED = 1500
"""The limit of lines shown of a file: to colour thousands would delay the screen."""


def code(file: str, palette: Palette, lines_of: Callable[[str], list[str]] = read_lines) -> list[Line]:
    """Return the first `CODED` lines of a file, with line numbers and syntax colouring."""
    source = "\n".join(text.clean(line) for line in lines_of(file)[:CODED])
    syntax = Syntax(source, "python", theme="monokai" if palette.dark else "xcode")
    console = Console(width=200, color_system="truecolor", force_terminal=True, legacy_windows=False)
    lines: list[Line] = []
    for number, content in enumerate(syntax.highlight(source.rstrip("\n")).split("\n"), 1):
        line: Line = [(f"{'':{GUTTER}}{number:3} ", palette.faint)]
        for segment in content.render(console, end=""):
            style = segment.style or Style.null()
            line.append((segment.text, Style(color=style.color, bold=style.bold, italic=style.italic)))
        lines.append(line)
    return lines
