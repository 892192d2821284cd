"""The order in which a talk shows patterns, with a note for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from echo_servers.catalog import Pattern, find

ARTICLE = (
    "single-thread", "multithread", "thread-pool", "too-many-threads", "process-pool", "process-thread-pool",
    "nonblocking", "busy-loop", "select-loop", "asyncio", "asyncio-blocking", "eventlet",
)  # fmt: skip
"""The patterns of the article, in its order."""


@dataclass(frozen=True)
class PlaylistScene:
    """A pattern of a talk, and what the speaker wants to be reminded of."""

    pattern: Pattern
    note: str = ""
    recording: str = ""
    """The file of a recording of the scene, in case the live run goes wrong; empty if there is none."""


@dataclass(frozen=True)
class Playlist:
    """The scenes of a talk; by default those of the article."""

    scenes: tuple[PlaylistScene, ...] = field(
        default_factory=lambda: tuple(PlaylistScene(find(name)) for name in ARTICLE)
    )

    @classmethod
    def of(cls, scenes: Sequence[PlaylistScene]) -> "Playlist":
        """Return the playlist of these scenes; that of the article if there are none."""
        return cls(tuple(scenes)) if scenes else cls()

    def __contains__(self, pattern: object) -> bool:
        return any(scene.pattern is pattern for scene in self.scenes)

    def step(self, here: Pattern | None, step: int) -> PlaylistScene:
        """Return the next scene that can run here after (or before, for -1) a pattern; the first one after the last.

        From a pattern that is not in the list, it goes on with the first one.
        """
        able = [scene for scene in self.scenes if not scene.pattern.missing] or list(self.scenes)
        places = [place for place, scene in enumerate(self.scenes) if scene.pattern is here]
        if not places:
            return able[0] if step > 0 else able[-1]
        far = range(1, len(self.scenes) + 1)
        others = (self.scenes[(places[0] + step * distance) % len(self.scenes)] for distance in far)
        return next((scene for scene in others if scene in able), able[0])

    def scene_of(self, pattern: Pattern | None) -> PlaylistScene | None:
        """Return the scene of a pattern; None if it is in none."""
        return next((scene for scene in self.scenes if scene.pattern is pattern), None)

    def note(self, pattern: Pattern | None) -> str:
        """Return the note of a pattern; empty if it has none."""
        scene = self.scene_of(pattern)
        return scene.note if scene else ""
