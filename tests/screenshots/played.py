"""A recording that the dashboard shows as the live run that it was, without processes and without a clock."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from echo_servers.catalog import BY_NAME, Pattern
from echo_tui.model.endings import ON_PURPOSE
from echo_tui.run.arming import Arming
from echo_tui.run.driver import Driver
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.recorded import Recorded
from echo_tui.run.replay import Replay
from echo_tui.run.strace_view import StraceView
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots
from echo_tui.tui.app import EchoTui
from echo_tui.tui.view import View


class Played:
    """A source that is where it was put, with the session of then."""

    def __init__(self, path: Path, starts: bool = True) -> None:
        """`starts` is whether the recorded dashboard had started the server, or had attached to it."""
        replay = Replay(str(path))
        while not replay.read_ahead(1.0):
            pass
        self.recorded = Recorded(replay)
        self.recorded.paused = True
        self.starts = starts
        self.plan = Plan()
        self.session = Session()
        self.block, self.strace_view, self.output_held = Arming(None), StraceView(), False
        self.stall_snapshots = StallSnapshots()
        self.go(self.recorded.replay.end)

    def go(self, at: int) -> None:
        """Go to a time (ns)."""
        self.recorded.seek(at)
        self.session = self.recorded.session
        self.stall_snapshots.keep(self.session, at)

    @property
    def pattern(self) -> Pattern | None:
        return BY_NAME.get(self.session.server.pattern) if self.session.server else None

    @property
    def running(self) -> bool:
        return bool(self.session.server and self.session.server.running)

    @property
    def listening(self) -> bool:
        return self.running

    @property
    def present(self) -> list[int]:
        return [number for number, client in self.session.clients.items() if client.ended not in ON_PURPOSE]

    def drain(self) -> int:
        return 0

    def look(self) -> None:
        return

    def sample(self) -> None:
        return

    def lag(self, late: int) -> None:
        return

    def close(self) -> None:
        self.recorded.close()


class Screen(EchoTui):
    """The dashboard of a `Played` source."""

    def __init__(self, played: Played, theme: str | None = None) -> None:
        self.played = played
        super().__init__(Plan(), theme=theme, live=cast(Live, played))
        self.lan = ""

    def new_driver(self) -> Driver:
        return Driver(self.live, self.played.recorded.clock)

    def view(self) -> View:
        return replace(super().view(), texts=self.played.recorded.texts)

    def save_screenshot_to(self, path: Path) -> None:
        """Write the picture of now."""
        path.write_text(self.export_screenshot(title="echo-tui"), encoding="utf-8")
