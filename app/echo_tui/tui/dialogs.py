"""The dialogs: a question, a confirmation, a menu, and the help."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from echo_tui.tui.closing import Choices, Dialog
from echo_tui.tui.keys import ALL_KEYS, CLIENTS, MISBEHAVIOUR, SCREEN, SERVER, Key

V = TypeVar("V")


class Ask(Dialog[str | None]):
    """A question with a line for the answer; below it an invalid answer is explained."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

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
    """A question to be answered with yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter,q,ctrl+c", "dismiss(True)", "Yes"),
        Binding("n,escape", "dismiss(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._question, markup=False, classes="title")
            yield Label("y or Enter: yes     n or Esc: no", markup=False, classes="hint")


class Menu(Dialog[str | None]):
    """A menu of actions; one is chosen by its letter, or with the arrows and Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

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


class Help(Dialog[None]):
    """The help: every action, with the key configured for it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss(None)", "Close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide"):
            for group in (SERVER, CLIENTS, SCREEN):
                yield Static(group, markup=False, classes="title")
                for key in ALL_KEYS:
                    if key.group == group:
                        name = shown(self._keymap.get(key.id, key.key), self.app.get_key_display)
                        yield Static(Content(f"{name:>14}   {key.help}"), classes="key")
                        if key.id == "misbehave":
                            for entry in MISBEHAVIOUR:
                                yield Static(Content(f"{name + ' ' + entry.key:>14}   {entry.help}"), classes="key")
            yield Static("Moving and typing", classes="title")
            for name, words in (
                ("↑ ↓ pgup pgdn", "Line by line, page by page; the mouse wheel does the same"),
                ("home end", "First and last line; at the end new lines are followed"),
                ("↑ ↓ ⏎", "While typing: choose the client, send the line"),
                ("⏎", "In Stalls: go back to the one under the cursor"),
                ("ctrl+p", "Command palette: everything above, by name"),
            ):
                yield Static(Content(f"{name:>14}   {words}"), classes="key")
            yield Static("Keys can be changed: see docs/keys.md.", markup=False, classes="hint")

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)


def shown(keys: str, display: Callable[[Binding], str]) -> str:
    """Return the display names of a binding's keys."""
    return " ".join(display(Binding(key, "", "")) for key in keys.split(","))
