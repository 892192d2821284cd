"""Where a talk is: its playlist, the steps of the running pattern, and the longest stall of the one before."""

from dataclasses import dataclass

from echo_servers.catalog import Pattern

from echo_tui.session.session import Session
from echo_tui.tour.playlist import Playlist
from echo_tui.tour.progress import StepProgress
from echo_tui.tour.steps import of
from echo_tui.tui.text import duration
from echo_tui.words import talk as words


@dataclass(frozen=True)
class Before:
    """The longest stall of a pattern: how long it lasted (ns), and how many waited."""

    pattern: Pattern
    lasted: int
    victims: int


def longest(pattern: Pattern, session: Session, now: int) -> Before | None:
    """Return the longest stall of a session; None if it had none."""
    stalls = session.stalls.all
    if not stalls:
        return None
    stall = max(stalls, key=lambda stall: stall.lasted(now))
    return Before(pattern, stall.lasted(now), len(stall.victims) + len(stall.unanswered))


class Talk:
    """The playlist, how far the steps of the live session are, and what the pattern before showed."""

    def __init__(self, playlist: Playlist) -> None:
        self.playlist = playlist
        self.steps: StepProgress | None = None
        """The steps of the live session; None before the first server."""
        self.before: Before | None = None
        """The longest stall of the pattern before; None if it had none."""
        self.scene: Pattern | None = None
        """The scene shown last; a pattern that is none, such as a fix, does not change it."""
        self._session: Session | None = None
        self._pattern: Pattern | None = None

    def step(self, step: int) -> Pattern:
        """Return the scene after (or before, for -1) the one shown last."""
        return self.playlist.step(self.scene, step).pattern

    def recording(self, pattern: Pattern | None) -> str:
        """Return the recording of a pattern's scene, or of the scene shown last; empty if it has none."""
        scene = self.playlist.scene_of(pattern) or self.playlist.scene_of(self.scene)
        return scene.recording if scene else ""

    def update(self, session: Session, pattern: Pattern | None, now: int) -> None:
        """Note whether the next step has been done; a new session begins with the first one."""
        if session.server and pattern:
            self.scene = pattern if pattern in self.playlist else self.scene
            if self._session is not session or not self.steps:
                if self._session and self._pattern and pattern is not self._pattern:
                    self.before = longest(self._pattern, self._session, now)
                self._session, self._pattern, self.steps = session, pattern, StepProgress(of(pattern))
            self.steps.update(session, now)


def compared(before: Before | None, session: Session, now: int) -> str:
    """Return the longest stall of the pattern before beside that of a session, in words; empty without one before."""
    if not before:
        return ""
    here = longest(before.pattern, session, now)
    then = words.stalled(duration(before.lasted), before.victims)
    return words.before(before.pattern.title, then, words.stalled(duration(here.lasted), here.victims) if here else "")
