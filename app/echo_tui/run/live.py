"""A live run: the server's child, our clients and the samples, joined into one session.

Nothing here waits. A caller calls `drain` a few times a second and `sample` twice a second, and draws the
session. The crowd of clients outlives a server, so the same clients walk from pattern to pattern.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from echo_servers.__main__ import USAGE
from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.server import BACKLOG, Options

from echo_tui.clients.remote import ClientProcess
from echo_tui.model.inference import Inference
from echo_tui.model.observations import (
    ClientUnconnected,
    Flooding,
    Lag,
    Observation,
    OutputHeld,
    ProcessGone,
    ServerExited,
    SocketSample,
    StallAfter,
)
from echo_tui.model.session import Session
from echo_tui.model.stall_snapshots import StallSnapshots
from echo_tui.observers.child import Child
from echo_tui.observers.kernel import Kernel
from echo_tui.observers.listening import listens
from echo_tui.observers.pipe import LinePipe, decode
from echo_tui.observers.resources import Resources
from echo_tui.observers.threads import MOST
from echo_tui.run import sampling
from echo_tui.run.arming import Arming
from echo_tui.run.strace_view import StraceView

OVER = ("closed", "reset")
"""How a client has ended that was closed on purpose: it is not brought back."""
NO_SERVER = "no server yet"
ENDED = "the server has ended"
FLOOD, FLOOD_SECONDS = BACKLOG + 72, 60.0
"""Connections of a flood: so many that the accept queue has no room for all; and for how long (s) at most."""
BUDGET = 0.02
"""Seconds that one look at the pipes may take."""
REVIVAL = 1.0
"""The least seconds between two starts of the clients' process."""


@dataclass(frozen=True)
class Plan:
    """What the dashboard was asked to begin with."""

    pattern: Pattern | None = None
    options: Options = field(default_factory=Options)
    block: BlockSetting | None = None
    clients: int = 0
    reports: bool = True
    """Whether the server reports what it does; if not, that is inferred from the kernel's evidence."""
    stall_after: int | None = None
    """From how many milliseconds on a wait is a stall; None for the usual threshold."""


class Live:
    """The server, the clients and the session of now."""

    def __init__(self, plan: Plan, heard: Callable[[Sequence[Observation]], None] = lambda found: None) -> None:
        """`heard` is given each observation that a session folds, in the same order."""
        self.plan = plan
        self._heard = heard
        self.session = Session()
        self.client_process = ClientProcess()
        self._clients_began = time.monotonic()
        self._clients_pipe = LinePipe(os.dup(self.client_process.fd))
        self.child: Child | None = None
        self.pattern: Pattern | None = plan.pattern
        self._workers: int | None = None
        """How many workers the pattern was started with, if not with as many as the plan says."""
        self.block = Arming(plan.block)
        self.output_held = False
        """Whether the stdout of a server that prints is left unread: of this one, and of those that come."""
        self._resources = Resources()
        self._kernel: Kernel | None = None
        self._inference: Inference | None = None
        """Turns samples into the records that a server without reports does not send."""
        self.stall_snapshots = StallSnapshots()
        self.strace_view = StraceView()
        self._reopen = False
        self._closed = False
        self._last_client = 0
        self.loads: dict[int, float] = {}
        """Messages a second that clients were asked to send."""
        self._wanted: list[int] = []
        self._since = 0
        self._latest_workers: list[tuple[int, int]] = []
        """Whose threads are sampled first, where there are too many."""
        self._take([self.block.told()])

    # The server.

    @property
    def running(self) -> bool:
        """Whether a server is running."""
        return bool(self.session.server and self.session.server.running)

    @property
    def listening(self) -> bool:
        """Whether our own server has reported that it listens, and has not ended: only then a client may connect."""
        server = self.session.server
        return bool(server and server.running and server.listening_at)

    def start(self, pattern: Pattern, workers: int | None = None) -> None:
        """Start a pattern, with the block that it comes with; `workers` are those of the plan unless they are given."""
        self._workers = workers
        self.block.comes_with(pattern.block)
        self._begin(pattern)

    def start_again(self) -> None:
        """Start the pattern that has run last, with the block, the workers and the port that it had."""
        if self.pattern:
            server = self.session.server
            self._begin(self.pattern, server.port if server and server.listening_at else 0)

    def _begin(self, pattern: Pattern, port: int = 0) -> None:
        """Stop what runs, start this pattern in a new session, and bring the clients back when it listens.

        `port` is the one to listen on; 0 for that of the plan.
        """
        if self._closed:
            return
        self.stop()
        self.pattern = pattern
        clients = self.present
        self.session = Session()
        if self.plan.stall_after:
            self._take([StallAfter(time.monotonic_ns(), self.plan.stall_after * 1_000_000)])
        self._since = time.monotonic_ns()
        asked = self.plan.options
        options = replace(asked, workers=self._workers or asked.workers, port=port or asked.port)
        self.child = Child(pattern.name, options, self.block.now, self.plan.reports)
        self._inference = None if self.plan.reports else Inference(self.child.pid, options.host, options.port)
        self._resources.watch(self.child.pid)
        self._kernel = Kernel(self.child.stacks, self.child.pid)
        self.stall_snapshots = StallSnapshots()
        self._take(self.child.read())
        self._reopen = True
        self._take([self.block.told()])
        if self.output_held:
            self.hold_output(True)
        self._tell_unconnected(clients, NO_SERVER)

    def stop(self) -> None:
        """Stop the server, if one runs; what it said last is taken in."""
        if self.child:
            self._drain_clients(time.monotonic() + 0.02)
            self._take(self.child.stop())
            self._gone()

    def hold_output(self, held: bool) -> None:
        """Leave the server's stdout unread, or read it again."""
        self.output_held = held
        if self.child:
            self.child.hold_output(held)
        self._take([OutputHeld(time.monotonic_ns(), held)])

    def _gone(self) -> None:
        """Take note that the server has ended: nobody connects until the next one listens."""
        self.child = None
        self.strace_view.close()
        if self._kernel:
            self._kernel.close()
            self._kernel = None
        self._reopen = False
        self.client_process.hold(ENDED)
        self._tell_unconnected(self._wanted, ENDED)

    def refusal(self) -> str:
        """Why the server would not start, in its own sentence; empty if it did start."""
        server = self.session.server
        if not server or server.code != USAGE:
            return ""
        said = [line.text for line in self.session.printed.lines if line.stream == "stderr"]
        return said[-1].partition(": ")[2] if said else ""

    # The block.

    def toggle_block(self) -> bool:
        """Switch the block of the running server; gives whether it is on now."""
        self._switch(not self.block.now)
        return self.block.now is not None

    def keep_block(self) -> None:
        """Take the block that is on to whatever pattern comes next, also if this one came with it."""
        if self.block.now:
            self.arm(self.block.now)

    def arm(self, setting: BlockSetting | None, only: int = 0) -> None:
        """Switch the block on with this setting, perhaps for the client with this port only; or off with None."""
        if setting:
            self.block.choose(setting)
        self._switch(setting is not None, only)

    def _switch(self, on: bool, only: int = 0) -> None:
        self.block.switch(on)
        if self.child:
            self.child.arm(self.block.now, only)
        self._take([self.block.told()])

    # Our clients.

    @property
    def present(self) -> list[int]:
        """Our clients that were not closed on purpose."""
        return [number for number, client in self.session.clients.items() if client.ended not in OVER]

    @property
    def guests(self) -> int:
        """How many external clients are connected."""
        return sum(1 for connection in self.session.connections.values() if connection.client is None)

    @property
    def clients(self) -> int:
        """How many clients have been opened so far; those that were closed are counted too."""
        return self._last_client

    def open_clients(self, count: int = 1) -> list[int]:
        """Open so many more clients; return their numbers. Without a server that listens they wait for the next one."""
        numbers = list(range(self._last_client + 1, self._last_client + count + 1))
        self._last_client += count
        if self.listening and not self._reopen:
            self.client_process.open(numbers, *self._address)
        else:  # whoever has the port meanwhile is not ours to talk to
            self._wanted += numbers
            self._tell_unconnected(numbers, ENDED if self.session.server and not self.child else NO_SERVER)
        return numbers

    def close_clients(self, clients: list[int], reset: bool = False) -> None:
        """End connections of clients, politely or by a reset; an empty list means all."""
        self.client_process.close(clients, reset)
        unopened = [number for number in self._wanted if not clients or number in clients]
        self._wanted = [number for number in self._wanted if number not in unopened]
        self._tell_unconnected(unopened, OVER[0])
        for number in clients or list(self.loads):
            self.loads.pop(number, None)

    def flood(self) -> int:
        """Open a flood of silent connections, as many as overflow the accept queue; gives how many. Or end it: 0."""
        count = FLOOD if self.listening and not self.session.clients.flood.count else 0
        self.client_process.flood(*self._address, count, FLOOD_SECONDS)
        return count

    def load(self, clients: list[int], per_second: float, size: int) -> None:
        """Have clients send so many messages of so many bytes a second from now on; 0 stops it."""
        self.client_process.chatter(clients, per_second, size)
        for number in clients or list(self.session.clients):
            self.loads.pop(number, None)
            if per_second:
                self.loads[number] = per_second

    def _tell_unconnected(self, clients: list[int], why: str) -> None:
        at = time.monotonic_ns()
        self._take([ClientUnconnected(at, number, why) for number in clients])

    @property
    def _address(self) -> tuple[str, int]:
        """Host and port of the server, as it reported them."""
        server = self.session.server
        return (server.reachable, server.port) if server else (self.plan.options.host, self.plan.options.port)

    # What happens.

    def _take(self, found: Sequence[Observation]) -> None:
        """Fold observations: every one that enters a session of a live run comes through here."""
        self.session.apply_all(found)
        self._heard(found)

    def drain(self, budget: float = BUDGET) -> int:
        """Take in what has happened, for `budget` seconds at most; gives how many observations it was."""
        until = time.monotonic() + budget
        count = self._drain_clients(until)
        if not (self._closed or self.client_process.running) and time.monotonic() - self._clients_began > REVIVAL:
            self._revive_clients()
        while self.child and (found := self.child.read()):
            self._take(found)
            count += len(found)
            if isinstance(found[-1], ServerExited):
                self.child.stop()
                self._gone()
            if time.monotonic() > until:
                break
        self._bring_clients_back()
        return count

    def _revive_clients(self) -> None:
        """The clients' process is gone: say so, and give the clients a new one."""
        clients = self.present
        self._tell_unconnected(clients, "their process died")
        self._take([Flooding(time.monotonic_ns(), 0, [])])
        self.client_process.stop()
        self._clients_pipe.close()
        self.client_process, self.loads = ClientProcess(), {}
        self._clients_began = time.monotonic()
        self._clients_pipe = LinePipe(os.dup(self.client_process.fd))
        self._wanted = [*clients, *(number for number in self._wanted if number not in clients)]
        if not self._reopen:
            self._open_wanted()

    def _open_wanted(self) -> None:
        if self._wanted and self.listening:  # an empty list would mean all there are
            self.client_process.open(self._wanted, *self._address)
            self._wanted = []

    def _drain_clients(self, until: float) -> int:
        self.client_process.flush()
        count = 0
        while found := decode(self._clients_pipe.read()):
            found = [o for o in found if o.at >= self._since]  # what is older was said of the server before
            self._take(found)
            count += len(found)
            if time.monotonic() > until:
                break
        return count

    def _bring_clients_back(self) -> None:
        if self._reopen and self.listening:
            self._reopen = False
            self.client_process.reopen(*self._address)
            self._open_wanted()

    def sample(self) -> None:
        """Take a sample of CPU, memory, threads and switches."""
        found = self._resources.sample()
        if any(isinstance(o, ProcessGone) for o in found):
            self.drain(0.2)  # what that process said last comes before its end
        self._take(found)
        self._latest_workers = self.session.workers.latest(MOST) if len(self.session.workers) > MOST // 2 else []

    def look(self) -> None:
        """See what the kernel shows of the server, as far as it is time to."""
        server = self.session.server
        if not (self._kernel and server and server.running):
            return
        pids = {server.pid, *(pid for pid, process in self.session.resources.processes.items() if not process.gone_at)}
        pids.update(pid for pid, _ in self.session.workers)
        session = self.session
        urgent = session.blocks.lasts(time.monotonic_ns(), session.stalls.threshold)
        first = [*session.blocks.by_thread, *self._latest_workers]
        if inference := self._inference:
            # Another program may have the port: nobody connects, and nothing is inferred, before our server has it.
            ours = bool(server.listening_at) or listens(pids, server.port)
            address, known = (server.host, server.port) if ours else None, inference.known
            found = self._kernel.look(pids, address, None, inference.ask(), known, urgent, first)
        else:
            found = self._kernel.look(
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
                self.drain(BUDGET)  # what was read before comes first
                found[number] = msgspec.structs.replace(sample, judged=time.monotonic() - began < BUDGET)
        if self._inference:
            found = [*self._inference.infer(found)]
        self._take(found)
        self._bring_clients_back()  # that the server listens may be known only now
        now = time.monotonic_ns()
        self._kernel.ask(pids, sampling.suspects(session, now), session.blocks.keepers)
        self.stall_snapshots.keep(self.session, now)

    def open_strace_view(self) -> None:
        """Show the server's system calls from now on, at the price of a slower server. Raises OSError."""
        if self.child:
            self.strace_view.open(self.child.pid)

    def lag(self, late: int) -> None:
        """The caller's own loop was so late (ns)."""
        self._take([Lag(time.monotonic_ns(), late)])

    def close(self) -> None:
        """End the server and the clients; nothing is left behind."""
        self._closed = True
        self.stop()
        self.client_process.stop()
        self._clients_pipe.close()
