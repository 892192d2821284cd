"""A recording shown as the live run that it was, without processes and without a clock."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from echo_servers.catalog import BY_NAME
from echo_tui.model.endings import ON_PURPOSE
from echo_tui.run.arming import Arming
from echo_tui.run.driver import Driver
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.replay import Replay
from echo_tui.run.strace_view import StraceView
from echo_tui.session.folding import fold
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots
from echo_tui.tui.app import EchoTui
from echo_tui.tui.view import View


class Played:
    """A source that plays a recording up to a given time."""

    def __init__(self, path: Path, starts: bool = True) -> None:
        """`starts`: the recorded dashboard started the server; otherwise it attached to it."""
        self.replay = Replay(str(path))
        while not self.replay.read_ahead(1.0):
            pass
        self._observations = list(self.replay.observations(0))
        self._folded = 0
        self.at = self.replay.begin
        server = self.replay.session_at(self.replay.total).server
        self.pattern = BY_NAME.get(server.pattern) if server else None
        self.starts = starts
        self.plan = Plan()
        self.session = Session()
        self.block, self.strace_view, self.output_held = Arming(None), StraceView(), False
        self.stall_snapshots = StallSnapshots()

    def go(self, at: int) -> None:
        """Play up to a time (ns)."""
        position = self.replay.position_at(at)
        for one in self._observations[self._folded : position]:
            self.session = fold(self.session, one)
        self._folded, self.at = position, at
        self.stall_snapshots.keep(self.session, at)

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

    def sample_kernel(self) -> None:
        return

    def sample_resources(self) -> None:
        return

    def lag(self, late: int) -> None:
        return

    def close(self) -> None:
        self.replay.close()


class Resting(EchoTui):
    """A dashboard that changes nothing by itself, so that pictures are reproducible."""

    def _sample(self) -> None:
        """Do nothing."""


class Screen(Resting):
    """The dashboard of a `Played` source."""

    def __init__(self, played: Played, theme: str | None = None) -> None:
        self.played = played
        super().__init__(Plan(), theme=theme, live=cast(Live, played))
        self.lan = ""

    def new_driver(self) -> Driver:
        return Driver(self.live, lambda: self.played.at)

    def view(self) -> View:
        return replace(super().view(), texts=self.played.replay.texts)
