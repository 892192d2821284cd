"""The pattern's story, and its source with syntax colouring."""

from collections import Counter
from collections.abc import Hashable

from rich.console import Console
from rich.style import Style
from rich.syntax import Syntax

from app.session.observations import Frame
from app.session.stall import SENTENCES, Culprit, Stall, is_own
from app.tui import text
from app.tui.lines import file_line, source_line
from app.tui.palette import Palette
from app.tui.panel import Line, Panel, pad, wrap
from app.tui.view import View
from servers.catalog import Pattern

GUTTER = 3
"""Cells before a line's number, for the mark of the threads that are there."""
CALLS = 3
"""Calls of the culprit's stack that are shown."""
PLACE = 22


class SourcePanel(Panel):
    """What a speaker says and what a server of this kind looks like, with a mark where each of its threads is now.

    In a stall it speaks of that alone: the calls that led to the culprit's line, and the lines around it.
    """

    TITLE = "Source"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._code: list[Line] = []
        self._coded: Hashable = None
        self._about: Hashable = None

    def fingerprint(self, view: View) -> Hashable:
        stall = view.stall
        accused = stall and (stall.number, stall.culprit, stall.cause, view.tenth)
        return (view.pattern and view.pattern.name, self._runs(view), self._marks(view), accused)

    def prepare(self, view: View) -> None:
        if view.pattern is None:
            return
        if self._coded != (coded := (view.pattern.name, view.palette)):
            self._coded, self._code = coded, code(view.pattern, view)
        self.title_text = f"Source: servers/{view.pattern.source.name}"
        told = story(view.pattern, view, self.extent.width)
        marked = mark(self._code, self._marks(view), view)
        stall = view.stall if self._runs(view) else None
        if stall and stall.culprit:
            self._lines = self._accusation(stall, stall.culprit, marked, view)
        else:
            self._lines = [*marked, [], *told] if self._runs(view) else [*told, [], *marked]
        self.last = len(self._lines)
        if self._about != (about := (view.pattern.name, self._runs(view), stall and stall.number)):
            self._about, self.top = about, 0
        if not (self.has_focus or (stall and stall.culprit)):
            self._follow([number - 1 for number, _ in self._marks(view)])

    def _follow(self, places: list[int]) -> None:
        """Have one of these lines in sight, if any."""
        if places and not any(self.top <= place < self.top + self.rows for place in places):
            self.top = max(places[0] - self.rows // 2, 0)

    def line(self, index: int, width: int) -> Line:
        return self._lines[index]

    def _runs(self, view: View) -> bool:
        """Whether the pattern that is looked at is the one that runs."""
        server = view.session.server
        return bool(
            server and server.running and view.started and view.pattern and view.pattern.name == view.started.name
        )

    def _marks(self, view: View) -> tuple[tuple[int, int], ...]:
        """Lines of the pattern's file, and how many threads are there now."""
        if not self._runs(view) or view.pattern is None:
            return ()
        name = str(view.pattern.source)
        places = Counter(line_in(name, state.frames) for state in view.session.threads.known.values())
        del places[0]
        return tuple(sorted(places.items()))

    def _accusation(self, stall: Stall, culprit: Culprit, marked: list[Line], view: View) -> list[Line]:
        """Who is to blame and by which call, and the lines around it in the pattern's file."""
        assert view.pattern
        palette = view.palette
        lines: list[Line] = [
            [
                (f" {stall.cause.value} {text.duration(stall.lasted(view.now))} ", palette.stalled),
                (who(stall, view), palette.dim),
            ],
            *([(line, palette.text)] for line in wrap(SENTENCES[stall.cause], self.extent.width)),
        ]
        own = [frame for frame in culprit.frames if is_own(frame)]
        for number, frame in enumerate(own[:CALLS]):
            arrow, style = ("▶ ", palette.bad) if not number else ("  ", palette.text)
            place = pad(file_line(frame), PLACE)
            lines.append([(arrow, style), (place, palette.accent), (" " + source_line(frame), style)])
        lines.append([])
        room = max(self.rows - len(lines), 3)
        lit = line_in(str(view.pattern.source), list(culprit.frames))
        first = min(max(lit - 1 - room // 2, 0), max(len(marked) - room, 0)) if lit else 0
        around = marked[first : first + room]
        if lit:
            around[lit - 1 - first] = light(around[lit - 1 - first], palette, self.extent.width)
        return lines + around


def who(stall: Stall, view: View) -> str:
    """The culprit by name, where it has one."""
    assert stall.culprit
    worker = view.session.workers.get((stall.culprit.pid, stall.culprit.tid))
    name = text.clean(worker.name) if worker and worker.announced else f"thread {stall.culprit.tid}"
    return f"  {name} of process {stall.culprit.pid}"


def line_in(name: str, frames: list[Frame]) -> int:
    """The innermost line that a stack has in a file; 0 if it has none."""
    return next((frame.line for frame in frames if frame.file == name), 0)


def mark(lines: list[Line], places: tuple[tuple[int, int], ...], view: View) -> list[Line]:
    """Lines with a mark in front of those where threads are, and how many if there are several."""
    marked = list(lines)
    for number, count in places:
        if 0 < number <= len(lines):
            (gutter, _), *rest = lines[number - 1]
            sign = "▶" if count == 1 else f"{count}▶" if count < 100 else "▶▶"
            marked[number - 1] = [(sign.rjust(GUTTER) + gutter[GUTTER:], view.palette.good), *rest]
    return marked


def light(line: Line, palette: Palette, width: int) -> Line:
    """A line on the colour of what is wrong."""
    whole = "".join(words for words, _ in line)
    return [(whole.ljust(width), palette.stalled)]


def story(pattern: Pattern, view: View, width: int) -> list[Line]:
    """What this pattern is, what to watch, and what a block does to it."""
    palette = view.palette
    lines: list[Line] = [[(pattern.title, palette.strong)]]
    lines += [[(line, palette.bad)] for line in (wrap(pattern.missing, width) if pattern.missing else ())]
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
        line: Line = [(f"{'':{GUTTER}}{number:3} ", view.palette.faint)]
        for segment in content.render(console, end=""):
            style = segment.style or Style.null()
            line.append((segment.text, Style(color=style.color, bold=style.bold, italic=style.italic)))
        lines.append(line)
    return lines
