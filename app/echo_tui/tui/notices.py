"""The base of the dashboard: its terminal driver, its notices and its command palette."""

from typing import ClassVar

from rich.console import RenderableType
from textual.command import CommandPalette
from textual.driver import Driver
from textual.notifications import SeverityLevel
from textual.theme import ThemeProvider

from echo_tui.tui.closing import SafeCommandPalette
from echo_tui.tui.terminal import robust
from echo_tui.tui.text import clean
from echo_tui.tui.typing import TypedInOrder
from echo_tui.words import dialogs

SHOWN, ERROR_SHOWN = 2.0, 6.0
"""Seconds that a notice is shown, as it covers a panel; an error says why something did not happen."""


class Notices(TypedInOrder[int]):
    """An app with our terminal driver and command palette, which shows the same notice only once at a time."""

    ALLOW_SELECT: ClassVar[bool] = False
    """Textual 8.2.8 fails at a mouse-down on a widget that was just removed, such as a notice (its issue 6643)."""

    leaving = False
    """Whether it has been asked to exit; later keys are ignored."""

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        self.leaving = True
        super().exit(result, return_code, message)

    def get_driver_class(self) -> type[Driver]:
        return robust(super().get_driver_class())

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(SafeCommandPalette())  # without an id, as the previous one may not be removed yet

    def search_themes(self) -> None:
        self.push_screen(SafeCommandPalette(providers=[ThemeProvider], placeholder=dialogs.search_themes()))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice, unless the same one is still on screen; several would cover the panels."""
        message, title = "\n".join(map(clean, message.split("\n"))), clean(title)
        if (message, title) not in ((notice.message, notice.title) for notice in self._notifications):
            shown = timeout or (ERROR_SHOWN if severity == "error" else SHOWN)
            super().notify(message, title=title, severity=severity, timeout=shown, markup=markup)
