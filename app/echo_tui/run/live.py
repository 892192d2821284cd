"""A live run: the server's child process, our clients and the samples, folded into one session.

Nothing here waits. The driver calls `drain` and `sample_kernel` in each turn, and
`sample_resources` twice a second. The client process
outlives a server, so the same clients reconnect from pattern to pattern.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import msgspec
from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.server import USAGE

from echo_tui.clients.remote import ClientProcess
from echo_tui.model.endings import ON_PURPOSE, Ending
from echo_tui.model.inference import Inference
from echo_tui.model.observations import (
    Lag,
    Observation,
    OutputHeld,
    ProcessGone,
    Receiver,
    ServerExited,
    SessionBegan,
    SocketSample,
    StallAfter,
)
from echo_tui.observers.child import Child
from echo_tui.observers.kernel import Kernel
from echo_tui.observers.listening import listens
from echo_tui.observers.resources import ResourceSampler
from echo_tui.observers.targets import listening_on
from echo_tui.observers.threads import MOST
from echo_tui.run import sampling
from echo_tui.run.arming import Arming
from echo_tui.run.our_clients import FLOOD, FLOOD_SECONDS, OurClients
from echo_tui.run.plan import Plan
from echo_tui.run.source_texts import SourceTexts
from echo_tui.run.strace_view import StraceView
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots

BUDGET = 0.02
"""Seconds for reading the pipes at a time."""


class Live:
    """The current server, our clients and the session."""

    starts = True
    """Whether it can start and stop a server, arm a block and go to a fix."""

    def __init__(self, plan: Plan, heard: Receiver = lambda found: None) -> None:
        """`heard` is called with the observations that a session folds, in the same order."""
        self.plan = plan
        self._heard, self._begun = heard, False
        self.session = Session()
        self._clients = OurClients(self._fold)
        self.child: Child | None = None
        self.pattern: Pattern | None = plan.pattern
        self._workers: int | None = None
        """The number of workers the pattern was started with; None for that of the plan."""
        self.block = Arming(plan.block)
        self.output_held = False
        """Whether the stdout of a printing server is left unread, for this server and later ones."""
        self._resources = ResourceSampler()
        self._kernel: Kernel | None = None
        self._inference: Inference | None = None
        """Turns samples into the records that a server without reports does not send."""
        self.stall_snapshots = StallSnapshots()
        self.strace_view = StraceView()
        self._source_texts = SourceTexts()
        self._reopen = False
        self._closed = False
        self._since = 0
        self._latest_workers: list[tuple[int, int]] = []
        """The threads to sample first if there are too many."""
        self._fold([self.block.observation()])

    # The server.

    @property
    def running(self) -> bool:
        """Whether a server is running."""
        return bool(self.session.server and self.session.server.running)

    @property
    def listening(self) -> bool:
        """Whether our own server listens and has not ended; only then may a client connect."""
        server = self.session.server
        return bool(server and server.running and server.listening_at)

    def start(self, pattern: Pattern, workers: int | None = None) -> None:
        """Start a pattern with the block that it brings; `workers` of None is the plan's number."""
        self._workers = workers
        self.block.comes_with(pattern.block)
        self._begin(pattern)

    def start_again(self) -> None:
        """Start the last pattern again with its block, workers and port."""
        if self.pattern:
            server = self.session.server
            self._begin(self.pattern, server.port if server and server.listening_at else 0)

    def _begin(self, pattern: Pattern, port: int = 0) -> None:
        """Stop the server, start this pattern in a new session, and reconnect the clients once it listens.

        `port` is the port to listen on; 0 for that of the plan.
        """
        if self._closed:
            return
        self.stop()
        self.pattern = pattern
        clients = self.present
        self.session = Session()
        self.block.for_all()
        self._fold([SessionBegan(time.monotonic_ns())])
        if self.plan.stall_after:
            self._fold([StallAfter(time.monotonic_ns(), self.plan.stall_after * 1_000_000)])
        self._since = time.monotonic_ns()
        asked = self.plan.options
        options = replace(asked, workers=self._workers or asked.workers, port=port or asked.port)
        self.child = Child(pattern.name, options, self.block.now, self.plan.reports)
        self._resources.watch(self.child.pid)
        kernel = self._kernel = Kernel(self.child.stacks, self.child.pid)
        inferred = Inference(self.child.pid, options.host, options.port, kernel.owner_of)
        self._inference = None if self.plan.reports else inferred
        self.stall_snapshots = StallSnapshots()
        self._fold(self.child.read())
        self._reopen = True
        self._fold([self.block.observation()])
        if self.output_held:
            self.hold_output(True)
        self._clients.unconnected(clients, Ending.NO_SERVER)
        self._clients.repeat_loads()

    def stop(self) -> None:
        """Stop the server, if one runs, after folding its last reports."""
        if self.child:
            self._clients.drain(time.monotonic() + 0.02, self._since)
            self._fold(self.child.stop())
            self._gone()

    def hold_output(self, held: bool) -> None:
        """Leave the server's stdout unread, or read it again."""
        self.output_held = held
        if self.child:
            self.child.hold_output(held)
        self._fold([OutputHeld(time.monotonic_ns(), held)])

    def _gone(self) -> None:
        """Note that the server has ended: no client connects until the next one listens."""
        self.child = None
        self.strace_view.close()
        if self._kernel:
            self._kernel.close()
            self._kernel = None
        self._reopen = False
        self._clients.stop_connecting()

    def refusal(self) -> str:
        """Return the sentence with which the server refused to start; empty if it did start."""
        server = self.session.server
        if not server or server.code != USAGE:
            return ""
        said = [line.text for line in self.session.printed.lines if line.stream == "stderr"]
        return said[-1].partition(": ")[2] if said else ""

    # The block.

    def toggle_block(self) -> bool:
        """Arm or disarm the block of the running server. Return whether it is armed now."""
        self._switch(not self.block.now)
        return self.block.now is not None

    def keep_block(self) -> None:
        """Keep the armed block for later patterns, even if this pattern has brought it."""
        if self.block.now:
            self.arm(self.block.now)

    def arm(self, setting: BlockSetting | None, only: int = 0) -> None:
        """Arm the block with this setting, perhaps only for the client with this port; None disarms it."""
        if setting:
            self.block.choose(setting)
        self._switch(setting is not None, only)

    def _switch(self, on: bool, only: int = 0) -> None:
        self.block.switch(on, only)
        if self.child:
            self.child.arm(self.block.now, only)
        self._fold([self.block.observation()])

    # Our clients.

    @property
    def present(self) -> list[int]:
        """Our clients that were not closed on purpose."""
        return [number for number, client in self.session.clients.items() if client.ended not in ON_PURPOSE]

    @property
    def guests(self) -> int:
        """How many external clients are connected."""
        return sum(1 for connection in self.session.connections.values() if connection.client is None)

    @property
    def clients(self) -> int:
        """The number of clients opened so far, closed ones included."""
        return self._clients.count

    @property
    def client_process(self) -> ClientProcess:
        """The process of our clients."""
        return self._clients.process

    def open_clients(self, count: int = 1) -> list[int]:
        """Open more clients and return their numbers. Without a server that listens they wait for the next one."""
        why_not = Ending.SERVER_ENDED if self.session.server and not self.child else Ending.NO_SERVER
        return self._clients.open(count, self._open_address, why_not)

    def close_clients(self, clients: list[int], reset: bool = False) -> None:
        """Close clients in order or by a reset; an empty list means all."""
        self._clients.close(clients, reset)

    def flood(self) -> int:
        """Open a flood of silent connections that overflows the accept queue, or end it. Return their number, or 0."""
        count = FLOOD if self.listening and not self.session.clients.flood.count else 0
        self.client_process.flood(*self._address, count, FLOOD_SECONDS)
        return count

    def load(self, clients: list[int], per_second: float, size: int) -> None:
        """Let clients send this many messages of this size per second; 0 stops them."""
        self._clients.load(clients, per_second, size, self.session.clients)

    @property
    def _open_address(self) -> tuple[str, int] | None:
        """Return where clients may connect; None until our server listens: another program may have the port."""
        return self._address if self.listening and not self._reopen else None

    @property
    def _address(self) -> tuple[str, int]:
        """The host and port of the server."""
        server = self.session.server
        return (server.reachable, server.port) if server else (self.plan.options.host, self.plan.options.port)

    # What happens.

    def _fold(self, found: Sequence[Observation]) -> None:
        """Fold observations into the session. Every observation of a live run comes through here."""
        self.session.apply_all(found)
        # Observations from before the first server are reported again when it starts.
        self._begun = self._begun or any(isinstance(one, SessionBegan) for one in found)
        if self._begun:
            self._heard(found)

    def drain(self, budget: float = BUDGET) -> int:
        """Fold what the pipes have, for at most `budget` seconds. Return the number of observations."""
        until = time.monotonic() + budget
        count = self._clients.drain(until, self._since)
        if self._clients.died and not self._closed:
            self._clients.revive(self.present, self._open_address)
        while self.child and (found := self.child.read()):
            self._fold(found)
            count += len(found)
            if isinstance(found[-1], ServerExited):
                self.child.stop()
                self._gone()
            if time.monotonic() > until:
                break
        if self.child and (counts := self.child.counts()):
            self._fold(counts)
        self._bring_clients_back()
        return count

    def _bring_clients_back(self) -> None:
        if self._reopen and self.listening:
            self._reopen = False
            self._clients.reconnect(self._address)

    def sample_resources(self) -> None:
        """Take a sample of CPU, memory, threads and switches."""
        found = self._resources.sample()
        if any(isinstance(o, ProcessGone) for o in found):
            self.drain(0.2)  # the last records of that process come before its end
            for gone in found:
                if self.child and isinstance(gone, ProcessGone):
                    self._fold(self.child.counts_of(gone.pid))
        self._fold(found)
        self._latest_workers = self.session.workers.latest(MOST) if len(self.session.workers) > MOST // 2 else []

    def sample_kernel(self) -> None:
        """Sample the server's sockets, threads and stacks, as far as they are due."""
        server = self.session.server
        if not (self._kernel and server and server.running):
            return
        pids = {server.pid, *(pid for pid, process in self.session.resources.processes.items() if not process.gone_at)}
        pids.update(pid for pid, _ in self.session.workers)
        session = self.session
        urgent = session.blocks.lasts(time.monotonic_ns(), session.stalls.threshold)
        first = [*session.blocks.by_thread, *self._latest_workers]
        if inference := self._inference:
            # Another program may have the port: no client connects, and nothing is inferred, before our server listens.
            ours = bool(server.listening_at) or listens(pids, server.port)
            address, known = (server.host, server.port) if ours else None, inference.known
            if ours and not self._kernel.threads.listening:
                self._kernel.threads.listening = listening_on(server.port)
            found = self._kernel.sample(pids, address, None, inference.ask(), known, urgent, first)
        else:
            found = self._kernel.sample(
                pids,
                (server.host, server.port) if server.listening_at else None,
                sampling.surely_known(session),
                sampling.wanted(session),
                sampling.others_than(session),
                urgent,
                first,
            )
        found += self.strace_view.read()
        for number, sample in enumerate(found):
            if isinstance(sample, SocketSample) and sample.sockets:
                began = time.monotonic()
                self.drain(BUDGET)  # progress reported before this sample comes first
                found[number] = msgspec.structs.replace(sample, judged=time.monotonic() - began < BUDGET)
        if self._inference:
            found = [*self._inference.infer(found)]
        self._fold(found)
        self._bring_clients_back()  # only now may it be known that the server listens
        now = time.monotonic_ns()
        self._kernel.ask(pids, sampling.suspects(session, now), session.blocks.keepers)
        self._fold(self._source_texts.new(session))
        self.stall_snapshots.keep(self.session, now)

    def open_strace_view(self) -> None:
        """Open the view of the server's system calls, which slows the server. Raises OSError."""
        if self.child:
            self.strace_view.open(self.child.pid)

    def lag(self, late: int) -> None:
        """Note how late (ns) the caller's own loop was."""
        self._fold([Lag(time.monotonic_ns(), late)])

    def close(self) -> None:
        """End the server and the clients."""
        self._closed = True
        self.stop()
        self._clients.end()
