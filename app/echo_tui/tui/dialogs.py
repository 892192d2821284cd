"""The dialogs: a question, a confirmation, and a menu."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from echo_tui.tui.closing import Choices, Dialog
from echo_tui.tui.keys import Key
from echo_tui.words import dialogs as words

V = TypeVar("V")


class Ask(Dialog[str | None]):
    """A question with a line for the answer; below it an invalid answer is explained."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)")]

    def __init__(self, question: str, hint: str, answer: str, wrong: Callable[[str], str]) -> None:
        super().__init__()
        self._question, self._hint, self._answer, self._wrong = question, hint, answer, wrong

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._question, markup=False, classes="title")
            yield Input(self._answer, compact=True, select_on_focus=True)
            yield Label(self._hint, markup=False, classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if complaint := self._wrong(event.value):
            hint = self.query_one(".hint", Label)
            hint.update(complaint)
            hint.add_class("wrong")
        else:
            self.dismiss(event.value)


def ask(
    app: App[Any], question: str, hint: str, answer: str, read: Callable[[str], V], act: Callable[[V], object]
) -> None:
    """Ask for one value. `read` converts the answer or raises ValueError with a sentence; `act` receives the value."""

    def wrong(given: str) -> str:
        try:
            read(given)
        except ValueError as error:
            return str(error)
        return ""

    def answered(given: str | None) -> None:
        if given is not None:
            act(read(given))

    app.push_screen(Ask(question, hint, answer, wrong), answered)


class Confirm(Dialog[bool]):
    """A question to be answered with yes or no. If it is whether to quit, the keys that quit mean yes, else no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)"),
        Binding("n,escape", "dismiss(False)"),
        Binding("q,ctrl+c", "quit_key"),
    ]

    def __init__(self, question: str, quits: bool = False) -> None:
        super().__init__()
        self._question, self.quits = question, quits

    def action_quit_key(self) -> None:
        self.dismiss(self.quits)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._question, markup=False, classes="title")
            yield Label(words.hint("confirm"), markup=False, classes="hint")


class Menu(Dialog[str | None]):
    """A menu of actions; one is chosen by its letter, or with the arrows and Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)")]

    def __init__(self, title: str, hint: str, entries: Sequence[Key]) -> None:
        super().__init__()
        self._title, self._hint, self._entries = title, hint, entries

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._title, markup=False, classes="title")
            yield Choices(*(Option(f"{key.key}   {key.help}") for key in self._entries), markup=False, compact=True)
            yield Label(self._hint, markup=False, classes="hint")

    def on_key(self, event: events.Key) -> None:
        for key in self._entries:
            if event.key == key.key:
                event.stop()
                self.dismiss(key.action)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._entries[event.option_index].action)


def shown(keys: str, display: Callable[[Binding], str]) -> str:
    """Return the display names of a binding's keys."""
    return " ".join(display(Binding(key, "", "")) for key in keys.split(","))
