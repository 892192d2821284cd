"""The actions on a recording, and the one that saves one."""

from datetime import datetime
from pathlib import Path
from typing import cast

from echo_servers.server import BadRequest

from echo_tui.run.live import Live
from echo_tui.run.recorded import Recorded, is_event, is_sample
from echo_tui.run.replay import Replay
from echo_tui.tui import text
from echo_tui.tui.aside import Aside
from echo_tui.tui.new_files import save_new
from echo_tui.tui.panels.seek import SeekBar
from echo_tui.tui.screen_keys import ScreenKeys
from echo_tui.tui.talk import Talk
from echo_tui.words import recording as words

FOLDER = "recordings"


class RecordingKeys(ScreenKeys):
    """Play, pause, step and seek in a recording; save one of a live run."""

    @property
    def replay(self) -> Recorded | None:
        """The recording on screen; None if there is none."""
        source = cast(object, self.live)
        return source if isinstance(source, Recorded) else None

    def action_pause(self) -> None:
        """Pause the recording, or play on."""
        if replay := self.replay:
            self.show_snapshot(None)
            replay.pause()
            self.draw()

    def action_speed(self, by: int) -> None:
        if replay := self.replay:
            replay.faster(by)
            self.draw()

    def action_rewind(self) -> None:
        if replay := self.replay:
            replay.seek(replay.replay.begin)
            self.draw()

    def action_step_event(self, by: int) -> None:
        if (replay := self.replay) and not replay.step(is_event, by):
            self.notify(words.no_event(by > 0), markup=False)
        self.draw()

    def action_step_sample(self, by: int) -> None:
        if (replay := self.replay) and not replay.step(is_sample, by):
            self.notify(words.no_sample(by > 0), markup=False)
        self.draw()

    def action_stall(self, step: int) -> None:
        if not (replay := self.replay):
            super().action_stall(step)
        elif not replay.to_stall(step):
            self.notify(words.no_stall(step > 0), markup=False)
        self.draw()

    def show_stall(self, number: int) -> None:
        if replay := self.replay:
            replay.to_stall_of_session(number)
            self.draw()
        else:
            super().show_stall(number)

    def on_seek_bar_sought(self, message: SeekBar.Sought) -> None:
        if replay := self.replay:
            replay.seek(message.at)
            self.draw()

    def action_swap(self) -> None:
        """Show the recording of the present scene while the live run goes on unseen, or that run again."""
        if self.aside:
            self.back_to_live()
        elif not self.is_unavailable("swap"):
            try:
                recorded = Recorded(Replay(self.talk.recording(self.live.pattern or self.highlighted)))
            except BadRequest as error:
                self.notify(words.not_opened(str(error)), severity="error", markup=False)
            else:
                aside = Aside(self.live, self.driver, self.talk, self.client)
                self._show(recorded, Talk(self.talk.playlist))
                self.aside, self.driver = aside, self.new_driver()

    def back_to_live(self) -> None:
        """Show the live run that was put aside, if there is one."""
        if aside := self.aside:
            self.live.close()
            self._show(aside.live, aside.talk, aside.client)
            self.aside, self.driver = None, aside.driver

    def _show(self, source: object, talk: Talk, client: int | None = None) -> None:
        """Put another source on screen."""
        self.show_snapshot(None)
        self.pending.clear()
        self.live, self.talk, self.client, self.expanded = cast(Live, source), talk, client, None
        if self.place == "calls":
            self.move_to("events")
        self.fit()

    def action_save_recording(self) -> None:
        """Save what is remembered of the run as a new file."""
        subject = self.live.pattern.name if self.live.pattern else "server"
        name = f"{subject}-{datetime.now():%Y%m%d-%H%M%S}"
        try:
            Path(FOLDER).mkdir(exist_ok=True)
            path, size = save_new(Path(FOLDER), name, ".jsonl.gz", lambda new: self.recorder.save(str(new)))
        except OSError as error:
            self.notify(words.not_saved(error.strerror or str(error)), severity="error", markup=False)
        else:
            self.notify(words.saved(str(path), text.size(size)), markup=False)
