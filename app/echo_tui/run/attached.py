"""A foreign server, observed from outside by the kernel's evidence; nothing is sent to it."""

import time
from collections.abc import Sequence

from echo_servers.catalog import Pattern
from echo_servers.records import NoDescriptors
from echo_servers.server import Options

from echo_tui.clients.remote import ClientProcess
from echo_tui.model.endings import ON_PURPOSE, Ending
from echo_tui.model.inference import Inference
from echo_tui.model.observations import (
    Lag,
    Observation,
    ProcessGone,
    Receiver,
    ServerExited,
    ServerStarted,
    SessionBegan,
    StallAfter,
    Throttled,
)
from echo_tui.observers.cgroup import throttled
from echo_tui.observers.descriptor_limit import without_descriptor
from echo_tui.observers.kernel import Kernel
from echo_tui.observers.program import Program
from echo_tui.observers.resources import ResourceSampler
from echo_tui.observers.targets import AttachTarget, Owners, family, find_again
from echo_tui.observers.threads import MOST
from echo_tui.run import sampling
from echo_tui.run.arming import Arming
from echo_tui.run.live import BUDGET
from echo_tui.run.our_clients import OurClients
from echo_tui.run.plan import Plan
from echo_tui.run.source_texts import SourceTexts
from echo_tui.run.strace_view import StraceView
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots

SEARCH = 1_000_000_000
"""How often (ns) the server's processes are searched for."""
COUNT = 200_000_000
"""How often (ns) descriptors are counted while clients wait to be accepted."""


class Attached:
    """A source of observations: the sockets, threads, stacks and CPU of a running server.

    With `clients` we can open our own clients that connect to it; nothing else is ever sent to it.
    """

    starts = False
    """Whether it can start and stop a server, arm a block and go to a fix."""

    def __init__(
        self,
        target: AttachTarget,
        stall_after: int | None = None,
        stacks: bool = True,
        heard: Receiver = lambda found: None,
        clients: bool = False,
        program: Program | None = None,
    ) -> None:
        """`stall_after` is in milliseconds. `heard` is called with the observations that the session folds.

        `program` is one that was started for this run: its output is read, and `close` ends it.
        """
        self.target = target
        self.plan = Plan(options=Options(host=target.host, port=target.port), stall_after=stall_after)
        self.session = Session()
        self.pattern: Pattern | None = None
        self.block, self.strace_view, self.output_held = Arming(None), StraceView(), False
        self.stall_snapshots = StallSnapshots()
        self._heard, self._stacks, self._program = heard, stacks, program
        self._clients = OurClients(self._fold) if clients else None
        self._kernel = Kernel(None, None)
        self._resources = ResourceSampler()
        self._source_texts = SourceTexts()
        self._begin(target)

    def _begin(self, target: AttachTarget) -> None:
        """Observe a target in a new session."""
        self.target, self.session = target, Session()
        self._owners = Owners(target.inodes)
        self.stall_snapshots = StallSnapshots()
        self._kernel.close()
        self._kernel = Kernel(None, None)
        self._kernel.threads.listening, self._kernel.threads.ports = target.inodes, {target.port}
        self._inference = Inference(target.pid, target.host, target.port, self._kernel.owner_of, assume=True)
        self._resources.watch(target.pid)
        self._pids: set[int] = set()
        self._searched = self._counted = self._throttled = 0
        self._latest: list[tuple[int, int]] = []
        self._since = now = time.monotonic_ns()
        after, command = self.plan.stall_after, target.command
        started = ServerStarted(now, command, target.pid, target.host, target.port, [], False)
        threshold = [StallAfter(now, after * 1_000_000)] if after else []
        self._fold([SessionBegan(now), started, *threshold])

    @property
    def running(self) -> bool:
        """Whether a process still has the listening socket."""
        return bool(self.session.server and self.session.server.running)

    @property
    def listening(self) -> bool:
        """Whether clients can connect to it."""
        return self.running

    def drain(self) -> int:
        """Note whether the server has ended or runs again; read what our clients report."""
        now = time.monotonic_ns()
        if now - self._searched >= SEARCH:
            self._searched = now
            self._pids = family(self._owners.now())
            if not self._pids:
                self._search_again(now)
        if self._program and (found := self._program.read()):
            self._fold(found)
        return self._clients.drain(time.monotonic() + BUDGET, self._since) if self._clients else 0

    def _search_again(self, now: int) -> None:
        """Note that the server has ended, or continue with its successor at the same address."""
        if self.running:
            self._fold([ServerExited(now, self.target.pid, None, False)])
        elif found := find_again(self.target):
            present = self.present
            self._begin(found)
            if self._clients:
                self._clients.unconnected(present, Ending.NO_SERVER)
                self._clients.reconnect((found.host, found.port))

    def sample_kernel(self) -> None:
        """Fold the due samples of sockets, threads and stacks, and what follows from them."""
        if not self.running:
            return
        address, session, inference = (self.target.host, self.target.port), self.session, self._inference
        asked, known = inference.ask(), inference.known
        found = self._kernel.sample(self._pids, address, None, asked, known, first=self._latest)
        self._fold([*inference.infer(found), *self._exhausted()])
        now = time.monotonic_ns()
        if self._stacks:
            self._kernel.ask(self._pids, sampling.suspects(session, now))
        self._fold(self._source_texts.new(session))
        self.stall_snapshots.keep(session, now)

    def _exhausted(self) -> list[Observation]:
        """Return the processes without a descriptor for the next client, while clients wait to be accepted."""
        server, workers, now = self.session.server, self.session.workers, time.monotonic_ns()
        if not (server and server.queue) or now - self._counted < COUNT:
            return []
        self._counted = now
        serving = {pid for pid, _ in workers} - workers.starved.keys()
        return [NoDescriptors(now, pid, pid) for pid in without_descriptor(serving)]

    def sample_resources(self) -> None:
        """Fold a sample of CPU and memory of the oldest process and its descendants."""
        found = self._resources.sample()
        if (total := throttled(self.target.pid)) is not None:
            # A throttled process must not be paused in addition.
            self._kernel.may_pause = total == self._throttled
            self._throttled = total
            found.append(Throttled(time.monotonic_ns(), total))
        self._fold([one for one in found if not isinstance(one, ProcessGone) or one.pid not in self._pids])
        self._latest = self.session.workers.latest(MOST) if len(self.session.workers) > MOST // 2 else []

    def lag(self, late: int) -> None:
        """Fold how late (ns) our own turns were."""
        self._fold([Lag(time.monotonic_ns(), late)])

    def close(self) -> None:
        """Close our descriptors and clients; the server continues, unless it was started for this run."""
        self._kernel.close()
        if self._program:
            self._program.stop()
            self._program = None
        if self._clients:
            self._clients.end()

    # Our clients.

    @property
    def present(self) -> list[int]:
        """Our clients that were not closed on purpose."""
        return [number for number, client in self.session.clients.items() if client.ended not in ON_PURPOSE]

    @property
    def clients(self) -> int:
        """The number of clients opened so far, closed ones included."""
        return self._clients.count if self._clients else 0

    @property
    def client_process(self) -> ClientProcess:
        """The process of our clients."""
        assert self._clients
        return self._clients.process

    def open_clients(self, count: int = 1) -> list[int]:
        """Open more clients and return their numbers."""
        assert self._clients
        server = self.session.server
        address = (server.reachable, server.port) if server and server.running else None
        return self._clients.open(count, address, Ending.SERVER_ENDED)

    def close_clients(self, clients: list[int], reset: bool = False) -> None:
        """Close clients in order or by a reset; an empty list means all."""
        assert self._clients
        self._clients.close(clients, reset)

    def load(self, clients: list[int], per_second: float, size: int) -> None:
        """Let clients send this many messages of this size per second; 0 stops them."""
        assert self._clients
        self._clients.load(clients, per_second, size, self.session.clients)

    def _fold(self, found: Sequence[Observation]) -> None:
        self.session.apply_all(found)
        self._heard(found)
