"""The description of a pattern, and its source with syntax colouring."""

import functools
from collections import Counter
from collections.abc import Hashable

from echo_tui.diagnosis.stall import Cause, Culprit, Stall
from echo_tui.model.evidence import Frame
from echo_tui.tui import text
from echo_tui.tui.advice import advice
from echo_tui.tui.code import GUTTER, code
from echo_tui.tui.lines import file_line, no_line, read_lines, source_line
from echo_tui.tui.palette import Palette
from echo_tui.tui.panel import Line, Panel, pad, wrap
from echo_tui.tui.panels.threads import names_of
from echo_tui.tui.story import story
from echo_tui.tui.view import View, fix_now
from echo_tui.words import panels as words
from echo_tui.words import threads
from echo_tui.words.stalls import label, sentence

CALLS = 2
"""The limit of calls shown of the culprit's stack."""
PLACE = 22


class SourcePanel(Panel):
    """The panel with the description and source of a pattern, and a mark where each of its threads is now.

    During a stall with a known culprit it shows only the calls that led to the culprit's line, and the lines around it.
    """

    TITLE = "source"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._coloured = functools.lru_cache(maxsize=4)(code)
        self._recorded: tuple[Hashable, list[Line]] | None = None
        """The file of a recording that was shown last, and what it depends on."""
        self._about: Hashable = None
        self._scrolled = False
        """Whether the user has scrolled away from the threads."""

    def fingerprint(self, view: View) -> Hashable:
        stall = view.stall
        accused = stall and (stall.number, stall.culprit, stall.cause, view.length(stall))
        return (
            view.pattern and view.pattern.name,
            self._runs(view),
            self._marks(view),
            accused,
            view.block.kind,
            fix_now(view),
        )

    def prepare(self, view: View) -> None:
        if view.pattern is None:
            self._of_target(view)
            return
        self.title_text = words.source(f"patterns/{view.pattern.source.name}")
        paragraphs = story(view.pattern, view, self.extent.width)
        marked = mark(self._coloured(str(view.pattern.source), view.palette), self._marks(view), view)
        stall = view.stall if self._runs(view) else None
        if stall and stall.culprit:
            self._lines = self._accusation(stall, stall.culprit, marked, view)
        else:
            self._lines = [*marked, [], *paragraphs] if self._runs(view) else [*paragraphs, [], *marked]
        self.last = len(self._lines)
        if self._about != (about := (view.pattern.name, self._runs(view), stall and stall.number)):
            self._about, self.top, self._scrolled = about, 0, False
        if not (self._scrolled or (stall and stall.culprit)):
            self._follow([number - 1 for number, _ in self._marks(view)])

    def _of_target(self, view: View) -> None:
        """Show the line to blame of a server that was not started here, in its own file, or what will be here."""
        stall = view.stall
        self.title_text = words.title(self.TITLE)
        self._lines = [[(words.line_to_blame(), view.palette.dim)]]
        if stall and stall.culprit:
            self._lines = self._accusation(stall, stall.culprit, [], view)
        self.last = len(self._lines)

    def _file(self, name: str, view: View) -> list[Line]:
        """Return a file as code, from the disk or from the recording."""
        if view.texts is None:
            return self._coloured(name, view.palette)
        key = (name, view.palette, view.texts.get(name, ""))
        if self._recorded is None or self._recorded[0] != key:
            self._recorded = (key, code(name, view.palette, lambda file: read_lines(file, view.texts)))
        return self._recorded[1]

    def scroll_lines(self, lines: int) -> None:
        self._scrolled = True
        super().scroll_lines(lines)

    def on_blur(self) -> None:
        self._scrolled = False

    def _follow(self, places: list[int]) -> None:
        """Scroll so that one of these lines is visible, if there are any."""
        if places and not any(self.top <= place < self.top + self.rows for place in places):
            self.top = max(places[0] - self.rows // 2, 0)

    def line(self, index: int, width: int) -> Line:
        return self._lines[index]

    def _runs(self, view: View) -> bool:
        """Return whether the pattern under the cursor is the running one."""
        server = view.session.server
        return bool(
            server and server.running and view.started and view.pattern and view.pattern.name == view.started.name
        )

    def _marks(self, view: View) -> tuple[tuple[int, int], ...]:
        """Return the lines of the pattern's file that threads are in now, each with their number."""
        if not self._runs(view) or view.pattern is None:
            return ()
        name = str(view.pattern.source)
        places = Counter(line_in(name, state.frames) for state in view.session.threads.known.values())
        del places[0]
        return tuple(sorted(places.items()))

    def _accusation(self, stall: Stall, culprit: Culprit, marked: list[Line], view: View) -> list[Line]:
        """Return the cause and the culprit of a stall, its calls, the fix, and the lines around the culprit's."""
        palette = view.palette
        lines: list[Line] = [
            [
                (f" {label(stall.cause)} {view.length(stall)} ", palette.stalled),
                (who(stall, view), palette.dim),
            ],
            *([(line, palette.text)] for line in wrap(sentence(stall.cause), self.extent.width)),
        ]
        lines += [[(words.no_line(why), palette.dim)] for why in no_line(stall)[:1]]
        for number, frame in enumerate(culprit.calls[:CALLS]):
            arrow, style = ("▶ ", palette.bad) if not number else ("  ", palette.text)
            place = pad(file_line(frame), PLACE)
            lines.append([(arrow, style), (place, palette.accent), (" " + source_line(frame, view.texts), style)])
        if helps := advice(stall, view):
            lines += [[(line, palette.good)] for line in wrap(helps, self.extent.width)]
        lines.append([])
        return lines + self._around(culprit, marked, max(self.rows - len(lines), 3), view)

    def _around(self, culprit: Culprit, marked: list[Line], room: int, view: View) -> list[Line]:
        """Return the lines around the highlighted line: the culprit's in the pattern's file, or else its caller's."""
        lit = line_in(str(view.pattern.source), list(culprit.frames)) if view.pattern else 0
        if not lit and culprit.calls:
            frame = culprit.calls[:2][-1] if view.pattern else culprit.calls[0]
            lit, marked = frame.line, list(self._file(frame.file, view))
            self.title_text = words.source(text.clean(frame.file.rpartition("/")[2]))
        first = min(max(lit - 1 - room // 2, 0), max(len(marked) - room, 0))
        around = marked[first : first + room]
        if 0 < lit <= len(marked):
            around[lit - 1 - first] = light(around[lit - 1 - first], view.palette, self.extent.width)
        return around


def who(stall: Stall, view: View) -> str:
    """Return the culprit by its name in the threads panel, and its process."""
    assert stall.culprit
    pid, tid = stall.culprit.pid, stall.culprit.tid
    worker = view.session.workers.get((pid, tid))
    name = names_of(view.session, pid, tid)[0]
    return f"  {threads.culprit(name, bool(worker and worker.client), pid, stall.cause is Cause.GIL)}"


def line_in(name: str, frames: list[Frame]) -> int:
    """Return the innermost line of a stack in a file; 0 if there is none."""
    return next((frame.line for frame in frames if frame.file == name), 0)


def mark(lines: list[Line], places: tuple[tuple[int, int], ...], view: View) -> list[Line]:
    """Return lines with a mark in front of those that threads are in; for several threads with their number."""
    marked = list(lines)
    for number, count in places:
        if 0 < number <= len(lines):
            (gutter, _), *rest = lines[number - 1]
            sign = "▶" if count == 1 else f"{count}▶" if count < 100 else "▶▶"
            marked[number - 1] = [(sign.rjust(GUTTER) + gutter[GUTTER:], view.palette.good), *rest]
    return marked


def light(line: Line, palette: Palette, width: int) -> Line:
    """Return a line highlighted in the colour of a stall."""
    whole = "".join(part for part, _ in line)
    return [(whole.ljust(width), palette.stalled)]
