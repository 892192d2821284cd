"""The notices of the app: each stands on the screen once, however often a key is pressed."""

from textual.app import App
from textual.notifications import SeverityLevel


class Notices(App[int]):
    """An app that does not show what is still to be read."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice, unless the same one is still on the screen: many would cover the panels."""
        if (message, title) not in ((notice.message, notice.title) for notice in self._notifications):
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
