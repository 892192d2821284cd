"""The common part of sources of a viewed session, in which nothing can be started, armed, opened or sampled."""

from echo_servers.catalog import BY_NAME, Pattern

from echo_tui.run.arming import Arming
from echo_tui.run.plan import Plan
from echo_tui.run.strace_view import StraceView
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots


class Viewed:
    """A session that was observed elsewhere, or at another time."""

    starts = False
    listening = False
    clients = 0

    def __init__(self) -> None:
        self.plan = Plan()
        self.session = Session()
        self.block, self.strace_view, self.output_held = Arming(None), StraceView(), False
        self.stall_snapshots = StallSnapshots()
        self.present: list[int] = []

    @property
    def pattern(self) -> Pattern | None:
        """The pattern of the server; None if it is not one of ours."""
        server = self.session.server
        return BY_NAME.get(server.pattern) if server else None

    @property
    def running(self) -> bool:
        """Whether the server of the session has not ended in it."""
        return bool(self.session.server and self.session.server.running)

    def sample_kernel(self) -> None:
        """Do nothing: the observations include the samples."""

    def sample_resources(self) -> None:
        """Do nothing: the observations include the samples."""

    def lag(self, late: int) -> None:
        """Do nothing: the lag of this dashboard is not that of the observed run."""
