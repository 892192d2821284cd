"""The smaller parts of a session: the server, its processes, workers and cores, our clients, and the totals."""

from collections import deque
from dataclasses import dataclass, field

from app.session.connection import Connection
from servers.records import address_name

HISTORY = 240
"""Samples of CPU remembered for each process and core."""


@dataclass(slots=True)
class Totals:
    """Exact counts of what the server did, losses of single records included."""

    new: int = 0
    bye: int = 0
    wakes_in_vain: int | None = None
    """Wakes of loops for a connection that another one had taken; None if nobody counts them."""
    recv: int = 0
    recv_bytes: int = 0
    send: int = 0
    send_bytes: int = 0
    lost: int = 0
    garbled: int = 0
    events: int = 0
    echoes: int = 0
    spoiled: int = 0
    client_records: int = 0
    clients_lost: int = 0

    @property
    def wakes_each(self) -> float | None:
        """How many loops a connection has woken, on an average; None if that is not counted, or none has come."""
        if self.wakes_in_vain is None or not self.new:
            return None
        return (self.new + self.wakes_in_vain) / self.new


@dataclass(slots=True)
class ServerState:
    """The child process that runs the pattern."""

    pattern: str
    pid: int
    host: str
    port: int
    started_at: int
    rests: list[str] = field(default_factory=list)
    """Where the threads of this pattern rest, by its own declaration; empty if unknown."""
    listening_at: int = 0
    backlog: int | None = None
    queue: int | None = None
    """Connections in the accept queue, as the kernel counted them last; None where it can't be known."""
    queue_limit: int | None = None
    dropped: int | None = None
    """How often the accept queue had no room for a client since it began to listen; each asks again and again."""
    unanswered: int = 0
    """Clients of this machine that the kernel gives no answer to, while the accept queue has no room."""
    interval: int = 0
    """The time (ns) from one look at its sockets to the next."""
    threads: int | None = None
    exited_at: int = 0
    code: int | None = None
    wanted: bool = False

    @property
    def running(self) -> bool:
        """Whether the child has not ended yet."""
        return not self.exited_at

    @property
    def address(self) -> str:
        """Where it listens, as one types it."""
        return address_name(self.host, self.port)


@dataclass(slots=True)
class Process:
    """A process of the server, sampled; switches are per second, None where unknown."""

    pid: int
    parent: int
    since: int
    cpu: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    rss: int | None = None
    rss_at_first: int | None = None
    """Its memory when the server had just begun to listen."""
    threads: int | None = None
    voluntary: float | None = None
    involuntary: float | None = None
    gone_at: int = 0
    last: tuple[int, int | None, int | None] = (0, None, None)

    @property
    def growth(self) -> int:
        """By how many bytes its memory is more than when the server began to listen."""
        return 0 if self.rss is None or self.rss_at_first is None else max(self.rss - self.rss_at_first, 0)

    def switched(self, at: int, voluntary: int | None, involuntary: int | None) -> None:
        """New totals of context switches: work out the rates since the totals before."""
        before, was_voluntary, was_involuntary = self.last
        span = (at - before) / 1e9
        self.voluntary = _rate(was_voluntary, voluntary, span)
        self.involuntary = _rate(was_involuntary, involuntary, span)
        self.last = (at, voluntary, involuntary)


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    # Totals are sums over living threads, so they fall when a thread ends.
    if before is None or now is None or seconds <= 0 or now < before:
        return None
    return (now - before) / seconds


@dataclass(slots=True)
class Worker:
    """A process or thread that serves; `announced` ones stay, a thread for one client ends with it."""

    pid: int
    tid: int
    name: str
    since: int
    announced: bool
    serving: dict[int, Connection] = field(default_factory=dict)
    served: int = 0
    took_at: int = 0
    """When it last took a connection, or ended one (ns)."""

    @property
    def last_take(self) -> int:
        """When it last took anything (ns): bytes, a connection, or the end of one."""
        return max(self.took_at, max((connection.taken_at for connection in self.serving.values()), default=0))


@dataclass(slots=True)
class BlockSpan:
    """One blocking call: begun at `begin`, ended at `end` (0 while it lasts)."""

    begin: int
    kind: str
    seconds: float
    pid: int
    tid: int
    connection: int
    cooperative: bool
    stops_all: bool = False
    """Whether no worker was left that could have served anybody when it began."""
    end: int = 0


CALLS_KEPT = 500


@dataclass(slots=True)
class Calls:
    """The latest system calls as strace writes them: `kept` of `total` taken in, of `seen` that there were.

    `begun` is the call that has not returned, as far as strace has written it; empty if none is known.
    """

    kept: deque[str] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    total: int = 0
    seen: int = 0
    begun: str = ""

    def copy(self) -> "Calls":
        """The same, no longer changed by what comes."""
        return Calls(self.kept.copy(), self.total, self.seen, self.begun)


@dataclass(slots=True)
class BlockSwitch:
    """Whether the block is armed, and with what."""

    on: bool = False
    kind: str = "sleep"
    seconds: float = 2.0
    every: int = 1


@dataclass(slots=True)
class Client:
    """One of our own clients, by its number."""

    number: int
    opening_since: int = 0
    connection: Connection | None = None
    ended: str = ""
    reading: bool = True
    """Whether it takes what comes."""
    sending: bool = True
    """Whether it has not closed its own side of the connection."""
    sent: int = 0
    echoed: int = 0
    last_sent: str = ""
    last_echo: str = ""
    last_size: int = 0
    rtt: int | None = None


@dataclass(slots=True)
class Flood:
    """Our silent connections that have no numbers: how many are left, and the addresses of those that got in."""

    count: int = 0
    peers: set[str] = field(default_factory=set)

    def copy(self) -> "Flood":
        """The same, no longer changed by what comes."""
        return Flood(self.count, self.peers.copy())
