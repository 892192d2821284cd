"""The server process: its address, its output, and the blocking call it is armed with."""

import copy
from collections import deque
from dataclasses import dataclass, field

from echo_servers.records import Listening, Note, ThreadCount, address_name

from echo_tui.model.observations import (
    BlockSet,
    IdleCalls,
    Output,
    OutputHeld,
    ServerExited,
    ServerStarted,
    SocketSample,
)

OUTPUT_KEPT = 400
"""Lines of the server's stdout and stderr, and its notes, remembered."""


@dataclass(slots=True)
class ServerState:
    """The child process that runs the pattern."""

    pattern: str
    pid: int
    host: str
    port: int
    started_at: int
    idle_calls: list[str] = field(default_factory=list)
    """Where the threads of this pattern are idle, by its own declaration; empty if unknown."""
    listening_at: int = 0
    backlog: int | None = None
    queue: int | None = None
    """Connections in the accept queue, as the kernel counted them last; None where it can't be known."""
    queue_limit: int | None = None
    dropped: int | None = None
    """How often the accept queue had no room for a client since it began to listen; each client retries."""
    unanswered: int = 0
    """Clients of this machine that the kernel does not answer while the accept queue has no room."""
    interval: int = 0
    """The time (ns) from one sample of its sockets to the next."""
    threads: int | None = None
    exited_at: int = 0
    code: int | None = None
    wanted: bool = False
    reports: bool = True
    """Whether it reports what it does; if not, its records are inferred from samples."""

    @classmethod
    def started(cls, o: ServerStarted) -> "ServerState":
        """Return a server that has just been started."""
        return cls(o.pattern, o.pid, o.host, o.port, o.at, o.idle_calls.copy(), reports=o.reports)

    @property
    def running(self) -> bool:
        """Whether the child has not ended yet."""
        return not self.exited_at

    @property
    def is_loop(self) -> bool:
        """Whether its threads wait for many connections at a time, as an event loop does."""
        return "poll" in self.idle_calls

    @property
    def reachable(self) -> str:
        """The host that a client on this machine connects to; of a server that listens on all, the loopback address."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    def reachable_from(self, lan: str) -> str:
        """Return the host to connect to, from other machines if it listens on all; `lan` is this machine's address."""
        return lan if lan and self.host in ("0.0.0.0", "::") else self.reachable

    @property
    def address(self) -> str:
        """Where it listens, as one types it."""
        return address_name(self.host, self.port)

    def listens(self, o: Listening) -> None:
        """Note that it listens, and where."""
        self.host, self.port = o.host, o.port
        self.listening_at, self.backlog = o.at, o.backlog

    def idles_in(self, o: IdleCalls) -> None:
        """Note in which system calls its threads are idle."""
        self.idle_calls = o.calls.copy()

    def exits(self, o: ServerExited) -> None:
        """Note that it has ended, and how."""
        self.exited_at, self.code, self.wanted = o.at, o.code, o.wanted

    def counts_threads(self, o: ThreadCount) -> None:
        """Note how many threads it says it has."""
        self.threads = o.count

    def sampled(self, o: SocketSample) -> bool:
        """Note what the kernel shows of its listening socket. Return whether anything has changed."""
        before = (self.queue, self.queue_limit, self.dropped, self.unanswered)
        self.queue, self.queue_limit, self.dropped, self.unanswered = o.queue, o.limit, o.dropped, len(o.unanswered)
        self.interval = o.interval
        return before != (self.queue, self.queue_limit, self.dropped, self.unanswered)

    def unsampled(self) -> None:
        """Note that its sockets are no longer sampled."""
        self.interval = 0

    def snapshot(self) -> "ServerState":
        """Return a copy that no longer changes."""
        twin = copy.copy(self)
        twin.idle_calls = self.idle_calls.copy()
        return twin


class Printed:
    """What the server prints: the latest lines of stdout and stderr, its notes, and whether stdout is left unread."""

    def __init__(self) -> None:
        self.lines: deque[Output] = deque(maxlen=OUTPUT_KEPT)
        self.notes: deque[Note] = deque(maxlen=OUTPUT_KEPT)
        self.held = False

    def add(self, o: Output) -> None:
        """Append a line."""
        self.lines.append(o)

    def add_note(self, o: Note) -> None:
        """Append a note."""
        self.notes.append(o)

    def hold(self, o: OutputHeld) -> None:
        """Note whether stdout is left unread from now on."""
        self.held = o.held

    def snapshot(self) -> "Printed":
        """Return a copy that no longer changes."""
        twin = Printed()
        twin.lines, twin.notes, twin.held = self.lines.copy(), self.notes.copy(), self.held
        return twin


@dataclass(slots=True)
class BlockSwitch:
    """Whether the blocking call is armed, and which one."""

    on: bool = False
    kind: str = "sleep"
    seconds: float = 5.0
    every: int = 1
    only: int = 0
    """The port of the only client that it is for; 0: it is for all."""

    def set(self, o: BlockSet) -> None:
        """Note that it was armed, disarmed or chosen."""
        self.on, self.kind, self.seconds, self.every, self.only = o.on, o.kind, o.seconds, o.every, o.only

    def snapshot(self) -> "BlockSwitch":
        """Return a copy that no longer changes."""
        return copy.copy(self)
