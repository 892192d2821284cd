"""One run, as known: a fold over its observations. `Session.apply` is the only way in."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from app.session.connection import SECOND
from app.session.observations import (
    BlockSet,
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientManners,
    ClientOpening,
    ClientSent,
    ClientsLost,
    ClientUnconnected,
    CoresSample,
    Flooding,
    Garbled,
    Lag,
    Observation,
    Output,
    OutputHeld,
    ProcessGone,
    ProcessSample,
    ServerExited,
    ServerStarted,
    SocketSample,
    StackSample,
    SystemCalls,
    ThreadSample,
    Unavailable,
)
from app.session.parts import HISTORY, BlockSwitch, Process, ServerState
from app.session.reported import OUTPUT_KEPT, Reported
from app.session.roster import PROCESSES_KEPT
from servers.records import (
    Block,
    Bye,
    Echo,
    Listening,
    Lost,
    New,
    Note,
    Recv,
    Send,
    Serve,
    Threads,
    Unblock,
    Wakes,
)
from servers.records import Worker as WorkerBegan

LAGS_KEPT = 200


class Session(Reported):
    """All that is known about one run. Everything in it is bounded, however long the run."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: dict[int, Process] = {}
        self.cores: list[deque[tuple[int, float]]] = []
        self.block = BlockSwitch()
        self.output_held = False
        self.output: deque[Output] = deque(maxlen=OUTPUT_KEPT)
        self.lags: deque[tuple[int, int]] = deque(maxlen=LAGS_KEPT)

    def apply(self, observation: Observation) -> None:
        """Take one observation in."""
        APPLY[type(observation)](self, observation)

    def apply_all(self, observations: Iterable[Observation]) -> None:
        """Take several in, in their order."""
        handlers = APPLY
        for observation in observations:
            handlers[type(observation)](self, observation)

    @property
    def changes(self) -> tuple[int, ...]:
        """Differs whenever a connection, client or worker may have changed: what a screen compares."""
        totals = self.totals
        exited = self.server.exited_at if self.server else 0
        lost = totals.lost + totals.clients_lost
        return (self._numbers, totals.events, totals.client_records, lost, exited, self._seen, len(self.connections))

    def worst_lag(self, now: int, span: int = 10 * SECOND) -> int | None:
        """The dashboard's own greatest lag (ns) within a span before `now`; None if it was never measured."""
        return max((late for at, late in self.lags if at >= now - span), default=None)

    # The server itself.

    def _started(self, o: ServerStarted) -> None:
        self.server = ServerState(o.pattern, o.pid, o.host, o.port, o.at, o.rests)
        self.log.add(o)

    def _listening(self, o: Listening) -> None:
        if self.server is None:
            self.server = ServerState("", o.pid, o.host, o.port, o.at)
        self.server.host, self.server.port = o.host, o.port
        self.server.listening_at, self.server.backlog = o.at, o.backlog
        self.log.add(o)

    def _exited(self, o: ServerExited) -> None:
        if self.server:
            self.server.exited_at, self.server.code, self.server.wanted = o.at, o.code, o.wanted
        for connection in list(self.connections.values()):
            self._retire(connection, o.at, "server ended")
        for pid in self.processes:
            self._process_ended(pid, o.at)
        self.workers.clear()
        self.ended_took.clear()
        self.threads.end()
        self.stalls.end(o.at)
        self.log.add(o)

    def _output(self, o: Output) -> None:
        self.output.append(o)
        self.log.add(o)

    def _output_was_held(self, o: OutputHeld) -> None:
        self.output_held = o.held
        self.log.add(o)

    def _garbled(self, o: Garbled) -> None:
        self.totals.garbled += o.lines

    # What is measured from outside.

    def _process(self, o: ProcessSample) -> None:
        process = self.processes.get(o.pid)
        if process is None and len(self.processes) >= PROCESSES_KEPT:
            gone = next((pid for pid, each in self.processes.items() if each.gone_at), None)
            if gone is not None:
                del self.processes[gone]
        if process is None or process.gone_at:  # the system gives numbers anew
            process = self.processes[o.pid] = Process(o.pid, o.parent, o.at)
        if o.cpu is not None:
            process.cpu.append((o.at, o.cpu))
        process.rss, process.threads = o.rss, o.threads
        if process.rss_at_first is None and self.server and self.server.listening_at:
            process.rss_at_first = o.rss
        process.switched(o.at, o.voluntary, o.involuntary)

    def _process_gone(self, o: ProcessGone) -> None:
        self._seen += 1
        self._process_ended(o.pid, o.at)
        self.threads.end(o.pid)
        for connection in [c for c in self.connections.values() if c.pid == o.pid]:
            self._retire(connection, o.at, "process ended")
        for key in [key for key in self.workers if key[0] == o.pid]:
            del self.workers[key]
        self.ended_took.pop(o.pid, None)
        self.lost_at.pop(o.pid, None)

    def _process_ended(self, pid: int, at: int) -> None:
        process = self.processes.get(pid)
        if process and not process.gone_at:
            process.gone_at = at
            process.threads = None

    def _cores(self, o: CoresSample) -> None:
        while len(self.cores) < len(o.percent):
            self.cores.append(deque(maxlen=HISTORY))
        for history, percent in zip(self.cores, o.percent, strict=False):
            history.append((o.at, percent))

    def _block_set(self, o: BlockSet) -> None:
        before, self.block = self.block, BlockSwitch(o.on, o.kind, o.seconds, o.every)
        if self.server or before.on or o.on:  # which one is chosen while nothing runs is no news
            self.log.add(o)

    def _lag(self, o: Lag) -> None:
        self.lags.append((o.at, o.late))


APPLY: dict[type, Callable[[Session, Any], None]] = {
    ServerStarted: Session._started,
    Listening: Session._listening,
    ServerExited: Session._exited,
    Output: Session._output,
    OutputHeld: Session._output_was_held,
    Garbled: Session._garbled,
    Note: Session._note,
    Threads: Session._threads,
    Wakes: Session._wakes,
    Lost: Session._lost,
    New: Session._new,
    Serve: Session._serve,
    Recv: Session._recv,
    Send: Session._send,
    Echo: Session._echo,
    Bye: Session._bye,
    Block: Session._block,
    Unblock: Session._unblock,
    WorkerBegan: Session._worker_began,
    ClientsLost: Session._clients_lost,
    ClientUnconnected: Session._client_unconnected,
    ClientOpening: Session._client_opening,
    ClientConnected: Session._client_connected,
    ClientManners: Session._client_manners,
    Flooding: Session._flooding,
    ClientSent: Session._client_sent,
    ClientEcho: Session._client_echo,
    ClientClosed: Session._client_closed,
    ProcessSample: Session._process,
    ProcessGone: Session._process_gone,
    SocketSample: Session._sockets,
    ThreadSample: Session._threads_seen,
    StackSample: Session._stacks,
    SystemCalls: Session._system_calls,
    Unavailable: Session._unavailable,
    CoresSample: Session._cores,
    BlockSet: Session._block_set,
    Lag: Session._lag,
}
"""What each kind of observation does to a session."""
