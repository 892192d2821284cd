"""Screens that close only once, even if several keys or clicks to close them arrive together."""

from collections.abc import Callable

from textual import events
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widgets import OptionList
from textual.worker import Worker


def close_once(
    screen: Screen[ScreenResultType],
    dismiss: Callable[[ScreenResultType | None], AwaitComplete],
    result: ScreenResultType | None,
) -> AwaitComplete:
    """Dismiss a screen if it is on top, else do nothing.

    Textual pops a screen at once, but keys already queued for it still arrive: a second `dismiss`
    would pop the screen below, or raise ScreenStackError.
    """
    return dismiss(result) if on_top(screen) else AwaitComplete()


def on_top(screen: Screen[ScreenResultType]) -> bool:
    """Return whether this screen is on top, so that it gets the keys and may be dismissed."""
    return screen.app.screen_stack[-1:] == [screen]


class Dialog(ModalScreen[ScreenResultType]):
    """A small screen on top of the dashboard."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        return close_once(self, super().dismiss, result)


class Choices(OptionList):
    """A list of options that ignores Page Up and Page Down before it is laid out (Textual 8.2.8 raises KeyError)."""

    def action_page_up(self) -> None:
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]


class Hits(CommandList):
    """The palette's list; a click on a row that a new search has removed does nothing (Textual raises IndexError)."""

    def on_click(self, event: events.Click) -> None:
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default()


class SafeCommandPalette(CommandPalette):
    """The command palette; it searches only while it is on top, and uses its list of hits only once that is laid out.

    In Textual 8.2.8 a search that begins before the list is laid out, or as the palette closes, ends the program.
    """

    def on_mount(self) -> None:
        self.query_one(CommandList).__class__ = Hits  # CommandPalette creates its list itself

    def dismiss(self, result: None = None) -> AwaitComplete:
        self._cancel_gather_commands()
        return close_once(self, super().dismiss, result)

    def _gather_commands(self, search_value: str) -> Worker[None] | None:  # type: ignore[override]
        return super()._gather_commands(search_value) if on_top(self) else None

    def _action_command_list(self, action: str) -> None:
        if any(found.scrollable_content_region for found in self.query(OptionList)):
            super()._action_command_list(action)
