"""Where a talk is: its playlist, and the steps of the running pattern."""

from echo_servers.catalog import Pattern

from echo_tui.session.session import Session
from echo_tui.tour.playlist import Playlist
from echo_tui.tour.progress import Progress
from echo_tui.tour.steps import of


class Talk:
    """The playlist, and how far the steps of the live session are."""

    def __init__(self, playlist: Playlist) -> None:
        self.playlist = playlist
        self.steps: Progress | None = None
        """The steps of the live session; None before the first server."""
        self._session: Session | None = None

    def look(self, session: Session, pattern: Pattern | None, now: int) -> None:
        """Note whether the next step has been done; a new session begins with the first one."""
        if session.server and pattern:
            if self._session is not session or not self.steps:
                self._session, self.steps = session, Progress(of(pattern))
            self.steps.look(session, now)
