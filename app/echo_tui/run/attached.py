"""A server that somebody else has started, observed from outside: the kernel's evidence, and nothing is sent to it."""

import time
from collections.abc import Callable, Sequence

from echo_tui.model.inference import Inference
from echo_tui.model.observations import Lag, Observation, ProcessGone, ServerExited, ServerStarted, StallAfter
from echo_tui.observers.kernel import Kernel
from echo_tui.observers.resources import Resources
from echo_tui.observers.targets import Target, family, owner_of, owners
from echo_tui.observers.threads import MOST
from echo_tui.run import sampling
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots

SEARCH = 1_000_000_000
"""How often (ns) the processes of the server are searched for: that reads the descriptors of all processes."""
UNKNOWN_CODE = 0
"""The exit code of a process that is not our child is not known."""


class Attached:
    """A source of observations: the sockets, threads, stacks and CPU of a running server."""

    def __init__(
        self,
        target: Target,
        stall_after: int | None = None,
        stacks: bool = True,
        heard: Callable[[Sequence[Observation]], None] = lambda found: None,
    ) -> None:
        """`stall_after` is in milliseconds. `heard` is called with the observations that the session folds."""
        self.target = target
        self.session = Session()
        self.stall_snapshots = StallSnapshots()
        self._heard = heard
        self._stacks = stacks
        self._kernel = Kernel(None, None)
        self._kernel.threads.listening = target.inodes
        self._inference = Inference(target.pid, target.host, target.port, self._owner, assume=True)
        self._resources = Resources()
        self._resources.watch(target.pid)
        self._pids: set[int] = set()
        self._searched = 0
        self._latest: list[tuple[int, int]] = []
        now = time.monotonic_ns()
        started = ServerStarted(now, target.command, target.pid, target.host, target.port, [], False)
        self._fold([started, *([StallAfter(now, stall_after * 1_000_000)] if stall_after else [])])

    @property
    def running(self) -> bool:
        """Whether a process still holds the listening socket."""
        return bool(self.session.server and self.session.server.running)

    def drain(self) -> int:
        """Note whether the server has ended. There is no pipe to read."""
        now = time.monotonic_ns()
        if self.running and now - self._searched >= SEARCH:
            self._searched = now
            self._pids = family(owners(self.target.inodes))
            if not self._pids:
                self._fold([ServerExited(now, self.target.pid, UNKNOWN_CODE, False)])
        return 0

    def look(self) -> None:
        """Fold the due samples of sockets, threads and stacks, and what follows from them."""
        if not self.running:
            return
        address = (self.target.host, self.target.port)
        session, inference = self.session, self._inference
        found = self._kernel.look(
            self._pids, address, None, inference.ask(), inference.known, first=self._latest
        )  # fmt: skip
        self._fold([*inference.infer(found)])
        now = time.monotonic_ns()
        if self._stacks:
            self._kernel.ask(self._pids, sampling.suspects(session, now))
        self.stall_snapshots.keep(session, now)

    def sample(self) -> None:
        """Fold a sample of CPU and memory of the oldest process and its descendants."""
        found = self._resources.sample()
        self._fold([one for one in found if not isinstance(one, ProcessGone) or one.pid not in self._pids])
        self._latest = self.session.workers.latest(MOST) if len(self.session.workers) > MOST // 2 else []

    def lag(self, late: int) -> None:
        """Fold by how much (ns) our own turns were late."""
        self._fold([Lag(time.monotonic_ns(), late)])

    def close(self) -> None:
        """Close our own descriptors; the server is left as it is."""
        self._kernel.close()

    def _owner(self, peer: str) -> int:
        inode = self._kernel.sockets.inode_of(peer)
        return owner_of(inode, sorted(self._pids))

    def _fold(self, found: Sequence[Observation]) -> None:
        self.session.apply_all(found)
        self._heard(found)
