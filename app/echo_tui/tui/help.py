"""The help: every key, the words of the screen, and where its numbers come from, a page each."""

from collections.abc import Iterator
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from echo_tui.tui.closing import Dialog
from echo_tui.tui.dialogs import shown
from echo_tui.tui.keys import ALL_KEYS, CLIENTS, MISBEHAVIOUR, RECORDING, SCREEN, SERVER
from echo_tui.words import glossary
from echo_tui.words import keys as words_of


class Help(Dialog[None]):
    """A dialog of several pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss(None)"),
        Binding("right,tab,l", "turn(1)"),
        Binding("left,shift+tab,h", "turn(-1)"),
        Binding("down,j", "scroll(1)"),
        Binding("up,k", "scroll(-1)"),
    ]

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self._keymap = keymap
        self._page = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Static(id="help-pages", markup=False, classes="hint first")
            for page in (self._keys, self._words, self._evidence):
                with VerticalScroll(classes="page"):
                    yield from page()

    def on_mount(self) -> None:
        self.action_turn(0)

    def action_turn(self, step: int) -> None:
        """Show another page; after the last one the first."""
        titles, pages = glossary.pages(), list(self.query(".page"))
        self._page = (self._page + step) % len(titles)
        for place, page in enumerate(pages):
            page.display = place == self._page
        pages[self._page].focus()
        names = "   ".join(f"[{title}]" if place == self._page else title for place, title in enumerate(titles))
        self.query_one("#help-pages", Static).update(f"{names}   ← →")

    def action_scroll(self, step: int) -> None:
        list(self.query(".page"))[self._page].scroll_relative(y=step, animate=False)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)

    def _keys(self) -> Iterator[Static]:
        for group in (SERVER, CLIENTS, SCREEN, RECORDING):
            yield Static(words_of.group(group), markup=False, classes="title")
            for key in ALL_KEYS:
                if key.group == group:
                    name = shown(self._keymap.get(key.id, key.key), self.app.get_key_display)
                    yield _row(f"{name:>14}", key.help)
                    if key.id == "misbehave":
                        for entry in MISBEHAVIOUR:
                            yield _row(f"{name + ' ' + entry.key:>14}", entry.help)
        yield Static(words_of.moving_title(), markup=False, classes="title")
        for name, words in words_of.moving():
            yield _row(f"{name:>14}", words)
        yield Static(words_of.configurable(), markup=False, classes="hint")

    def _words(self) -> Iterator[Widget]:
        for title, entries in glossary.words():
            yield Static(title, markup=False, classes="title")
            for term, sentence in entries:
                yield _entry(term, sentence)

    def _evidence(self) -> Iterator[Widget]:
        for term, sentence in glossary.evidence():
            yield _entry(term, sentence)


def _row(name: str, words: str) -> Static:
    return Static(Content(f"{name}   {words}"), classes="key")


def _entry(term: str, sentence: str) -> Horizontal:
    return Horizontal(Static(term, markup=False, classes="term"), Static(sentence, markup=False), classes="entry")
