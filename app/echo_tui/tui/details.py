"""Everything known about one stall: span, cause, victims, the thread to blame, and the clues."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from echo_tui.diagnosis.stall import Attribution, Culprit, Stall, Victim
from echo_tui.model.evidence import Frame
from echo_tui.tui import text
from echo_tui.tui.advice import advice
from echo_tui.tui.closing import Dialog
from echo_tui.tui.lines import file_line, no_line, source_line
from echo_tui.tui.view import View
from echo_tui.words import stall_list as details
from echo_tui.words import stalls as words

VICTIMS = 20
"""The limit of victims listed; the rest are only counted."""
Section = tuple[str, list[str]]
"""A heading and its lines."""


def sections(view: View, stall: Stall) -> Iterator[Section]:
    """Yield what is known of a stall, section by section; text from outside is escaped."""
    cause, ended = words.label(stall.cause), bool(view.whole(stall).end)
    began = details.began(text.stamp(view.since_start(stall.begin)), words.attribution(stall.attribution))
    title = details.headline(stall.number, cause, view.length(stall), stall.injected, ended)
    yield title, [words.sentence(stall.cause), began]
    yield details.who_waited(len(stall.victims) + len(stall.unanswered)), [*_waited(view, stall)]
    blamed = stall.attribution is Attribution.THREAD
    culprit = [*_culprit(stall.culprit)] if stall.culprit else [details.no_culprit()]
    yield details.heading("culprit" if blamed else "sampled"), culprit
    if helps := advice(stall, view):
        yield details.heading("advice"), [helps]
    yield details.heading("clues"), [*_clues(stall)] or [details.no_sample()]
    if frames := stall.culprit.frames if stall.culprit else ():
        yield details.heading("calls"), [_frame(frame, view) for frame in frames]
    elif reasons := no_line(stall):
        yield details.heading("stack"), [details.not_known(reasons[0])]


def _clues(stall: Stall) -> Iterator[str]:
    for rule, count in stall.clues:
        yield details.samples(count, words.clue(rule), rule)


def _frame(frame: Frame, view: View) -> str:
    return f"{file_line(frame)}  {text.clean(frame.function)}:  {source_line(frame, view.texts)}"


def _waited(view: View, stall: Stall) -> Iterator[str]:
    victims = sorted(stall.victims.values(), key=lambda victim: victim.begin)
    for victim in victims[:VICTIMS]:
        yield f"{_name(victim)}  {_length(view, victim)}  {words.wait(victim.wait)}"
    for peer in stall.unanswered[:VICTIMS]:
        yield f"{text.clean(peer)}  {details.not_answered()}"
    more = max(len(victims) - VICTIMS, 0) + max(len(stall.unanswered) - VICTIMS, 0)
    if more:
        yield details.more(more)


def _name(victim: Victim) -> str:
    number = f"[{victim.client}] " if victim.client is not None else ""
    return f"{number}{text.clean(victim.peer)}"


def _length(view: View, victim: Victim) -> str:
    return text.duration(max((victim.end or view.now) - victim.begin, 0))


def _culprit(culprit: Culprit) -> Iterator[str]:
    yield details.thread(text.clean(culprit.name), culprit.pid, culprit.tid)
    if culprit.call:
        yield details.in_call(text.clean(culprit.call), text.clean(culprit.peer))


class StallDetails(Dialog[None]):
    """A dialog with the sections of one stall, as of the time it was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,d,enter", "dismiss(None)"),
        Binding("down,j", "scroll(1)"),
        Binding("up,k", "scroll(-1)"),
    ]

    def __init__(self, found: list[Section]) -> None:
        super().__init__()
        self._sections = found

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide"):
            for heading, lines in self._sections:
                yield Static(heading, markup=False, classes="title")
                for line in lines:
                    yield Static(line, markup=False)

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
