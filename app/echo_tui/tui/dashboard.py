"""Opening the dashboard in this terminal, with what the configuration says."""

import gc
import os
from collections.abc import Sequence
from dataclasses import replace

from echo_servers.catalog import Pattern
from echo_servers.server import BadRequest

from echo_tui.config import Config, read_config
from echo_tui.observers.program import Program
from echo_tui.observers.targets import AttachTarget
from echo_tui.run.attached import Attached
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.recorder import Recorder
from echo_tui.run.replay import Replay
from echo_tui.run.viewed import Viewed
from echo_tui.tour.playlist import Playlist, PlaylistScene
from echo_tui.tui import endings
from echo_tui.tui.app import EchoTui
from echo_tui.tui.keys import ALL_KEYS


def open_dashboard(
    plan: Plan,
    theme: str | None = None,
    scenes: Sequence[Pattern] = (),
    target: AttachTarget | None = None,
    program: Program | None = None,
    viewed: Viewed | None = None,
    recorder: Recorder | None = None,
    stacks: bool = True,
) -> int:
    """Run the dashboard in this terminal until it is quit, and return its exit code. Raises BadRequest.

    `scenes` are the patterns of the talk; without any, the scenes of the configuration apply. With a `target` a running
    server is observed, and none is started; a `program` was started for it, and ends with the dashboard. A `viewed`
    session is shown instead of a live one. A `recorder` hears what a live one observes. Without `stacks` the stacks of
    a target are not read.
    """
    endings.install(os._exit)  # until there is a screen to restore
    config = read_config({key.id: key.key for key in ALL_KEYS})
    config = replace(config, scenes=_scenes(scenes, config) if scenes else config.scenes)
    for scene in config.scenes:
        if scene.recording:  # one that can't be read is reported now, and not on stage
            Replay(scene.recording).close()
    plan = replace(plan, stall_after=plan.stall_after or config.stall_after)
    hear = recorder.hear if recorder else lambda found: None
    attached = Attached(target, plan.stall_after, stacks, hear, clients=True, program=program) if target else None
    app = EchoTui(plan, config, theme, viewed or attached or Live(plan, hear), recorder)
    wanted = theme or config.theme
    if wanted and wanted not in app.available_themes:
        app.close()
        raise BadRequest(f"unknown theme {wanted!r}: choose from {', '.join(sorted(app.available_themes))}")
    app.settled = gc.freeze  # what was imported stays, and checking it again and again would delay the screen by 50 ms
    try:
        code = app.run()
    finally:
        app.close()
        if recorder:
            recorder.close()
    return code or app.return_code or 0


def _scenes(patterns: Sequence[Pattern], config: Config) -> tuple[PlaylistScene, ...]:
    """Return the scenes of patterns, with the note and the recording that the configuration has for them."""
    known = Playlist.of(config.scenes)
    return tuple(known.scene_of(pattern) or PlaylistScene(pattern) for pattern in patterns)
