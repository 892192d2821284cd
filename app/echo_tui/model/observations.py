"""Everything that can enter a session: what a server reports, and what is observed, done or measured around it.

Each has a monotonic timestamp in nanoseconds taken where it happened. One line of JSON each, so a live
stream, a recording and a test are the same thing.
"""

from collections.abc import Callable, Sequence

import msgspec
from echo_servers.records import Record, Reported

from echo_tui.model.evidence import Goroutine, Socket, Stack, Thread


class SessionBegan(Record, tag="session-began", gc=False):
    """A new session begins: another server is started, or the one that is watched runs again."""


class SourceText(Record, tag="source", gc=False):
    """The text of a source file that the line of a stall is in, so that a recording can show it elsewhere."""

    file: str
    text: str


class ServerStarted(Record, tag="server-started", gc=False):
    """A child process that runs `pattern` has been started.

    `idle_calls` are the calls in which its threads are idle: `accept`, `recv`, `poll` (epoll, select), or `spin`, which
    is none; empty if that is unknown. `reports` says whether it reports what it does; if not, records are inferred.
    """

    pattern: str
    pid: int
    host: str
    port: int
    idle_calls: list[str] = msgspec.field(default_factory=list)
    reports: bool = True


class Counts(Record, tag="counts", gc=False):
    """Echoes of connections of process `pid` that have no record of their own, because there were too many.

    A row has the number of a connection, how many echoes, their bytes, and a time (ns) at which the last of them was
    made or shortly before.
    """

    pid: int
    rows: list[tuple[int, int, int, int]]


class ServerExited(Record, tag="server-exited", gc=False):
    """The server's first process has ended; `code` is its exit code, or minus the signal that ended it.

    `wanted` tells whether we ended it.
    """

    pid: int
    code: int | None
    wanted: bool


class Output(Record, tag="output", gc=False):
    """A line that the server wrote to `stdout` or `stderr`."""

    stream: str
    text: str


class OutputHeld(Record, tag="output-held", gc=False):
    """Somebody has made the dashboard leave the server's stdout unread (`held`), or read it again."""

    held: bool


class Garbled(Record, tag="garbled", gc=False):
    """`lines` on an event pipe were no records."""

    lines: int


class ProcessSample(Record, tag="process", gc=False):
    """One process of the server, by psutil.

    `cpu` is in percent of one core since the sample before, `rss` in bytes, and the context switches are totals
    over all its threads; what can't be known is None.
    """

    pid: int
    parent: int
    cpu: float | None
    rss: int | None
    threads: int | None
    voluntary: int | None
    involuntary: int | None


class ProcessGone(Record, tag="process-gone", gc=False):
    """A process of the server has ended."""

    pid: int


class Throttled(Record, tag="throttled", gc=False):
    """For how long (ns) the control group of the server's first process has been throttled so far."""

    total: int


class CoresSample(Record, tag="cores", gc=False):
    """How busy each core of the machine is, in percent since the sample before."""

    percent: list[float]


class BlockSet(Record, tag="block-set", gc=False):
    """Somebody has switched the block on (with a kind and seconds, for one message in `every`) or off.

    `only` is the port of the only client that it is for; 0: it is for all.
    """

    on: bool
    kind: str
    seconds: float
    every: int = 1
    only: int = 0


class StallAfter(Record, tag="stall-after", gc=False):
    """From how long (ns) on a wait is a stall, from now on."""

    threshold: int


class IdleCalls(Record, tag="idle-calls", gc=False):
    """The kinds of system calls in which threads of the server were seen idle so far: `accept`, `recv`, `poll`.

    Inferred where the server does not declare them (`ServerStarted.idle_calls`).
    """

    calls: list[str]


class SocketSample(Record, tag="sockets", gc=False):
    """The server's port, by sock_diag(7): the accept queue's length and limit (None where nobody listens).

    `dropped` is how often the listening socket had no room for a client since it was opened, and `unanswered` are this
    machine's clients that still try to get in. `sockets` are those connections in which something waits: to be
    accepted, to be read, or to be sent; and those that were asked for, whether something waits in them or not.
    `interval` is the time (ns) to the next sample. `judged` is false if not all that the server had said by then was
    known: then nobody can be accused of having taken nothing.
    """

    queue: int | None
    limit: int | None
    dropped: int | None
    unanswered: list[str]
    sockets: list[Socket]
    interval: int = 0
    judged: bool = True


class ThreadSample(Record, tag="threads-seen", gc=False):
    """The threads of the server that are not as in the sample before, those that have ended, and how many there are.

    `interval` is the time (ns) to the next sample: sampling slows down before it costs too much.
    """

    threads: list[Thread]
    gone: list[tuple[int, int]]
    count: int
    interval: int


class StackSample(Record, tag="stacks", gc=False):
    """The stacks of one process of the server, by the handler that our patterns register (faulthandler) or a reader.

    `paused` is for how long (ns) a reader paused the process. A Go program has `goroutines` in place of stacks.
    """

    pid: int
    stacks: list[Stack]
    paused: int = 0
    goroutines: list[Goroutine] = msgspec.field(default_factory=list)


class SystemCalls(Record, tag="system-calls", gc=False):
    """What strace(1) has written since the last reading: its latest lines, how many came, and one that goes on."""

    lines: list[str]
    count: int
    begun: str = ""


class Unavailable(Record, tag="unavailable", gc=False):
    """A kind of evidence can't be had here; `why` says it in one line."""

    what: str
    why: str


class ClientUnconnected(Record, tag="client-unconnected", gc=False):
    """One of our clients exists and has no connection; `why` says it in a few words."""

    client: int
    why: str


class ClientsLost(Record, tag="clients-lost", gc=False):
    """`records` of what our clients did and measured did not fit into their pipe: their counts are too low by that."""

    records: int


class ClientOpening(Record, tag="client-opening", gc=False):
    """One of our clients has called connect."""

    client: int


class ClientConnected(Record, tag="client-connected", gc=False):
    """The kernel has completed a client's connection; `address` is the client's end, the server's peer."""

    client: int
    address: str


class ClientManners(Record, tag="client-manners", gc=False):
    """What a client does with its connection from now on.

    `reading`: it takes what comes; `sending`: it has not closed its own side (half-close). A new one does both.
    """

    client: int
    reading: bool
    sending: bool


class ClientLoad(Record, tag="client-load", gc=False):
    """A client was asked to send `per_second` messages of `size` bytes from now on; 0 ends that."""

    client: int
    per_second: float
    size: int


class Flooding(Record, tag="flooding", gc=False):
    """A flood of connections that say nothing: it has `count`, completed or not, and is over with 0.

    `connected` are the addresses of those that the kernel has completed since this was said last; `why` and `about` say
    why it has fewer than were asked for, as in `ClientClosed`.
    """

    count: int
    connected: list[str]
    why: str = ""
    about: str = ""


class ClientSent(Record, tag="client-sent", gc=False):
    """A client has sent a message of `size` bytes."""

    client: int
    size: int
    head: str


class ClientEcho(Record, tag="client-echo", gc=False):
    """A client has got a message back whole: `rtt` after it was sent (ns).

    `waiting_since` is when the oldest message still under way was sent, 0 if there is none; `intact` tells
    whether the bytes are those that were sent.
    """

    client: int
    size: int
    head: str
    rtt: int
    waiting_since: int
    intact: bool = True


class ClientClosed(Record, tag="client-closed", gc=False):
    """A client's connection is over: `how` is an `Ending` or the system's message, `about` its address or number."""

    client: int
    how: str
    about: str = ""


class Lag(Record, tag="lag", gc=False):
    """The dashboard's own event loop ran `late` nanoseconds after it was due."""

    late: int


Observation = (
    Reported
    | SessionBegan
    | SourceText
    | ServerStarted
    | Counts
    | ServerExited
    | Output
    | OutputHeld
    | Garbled
    | ProcessSample
    | ProcessGone
    | CoresSample
    | Throttled
    | BlockSet
    | StallAfter
    | IdleCalls
    | SocketSample
    | ThreadSample
    | StackSample
    | SystemCalls
    | Unavailable
    | ClientUnconnected
    | ClientsLost
    | ClientOpening
    | ClientConnected
    | ClientManners
    | ClientLoad
    | Flooding
    | ClientSent
    | ClientEcho
    | ClientClosed
    | Lag
)

Receiver = Callable[[Sequence[Observation]], None]
"""A function that is called with observations as they are made or folded."""

DECODER: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)
ENCODER = msgspec.json.Encoder()
