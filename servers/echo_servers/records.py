"""What a server reports, as typed records: one JSON line each, on the pipe and in a recording alike.

Every record has `at`, the time in nanoseconds of the monotonic clock (one clock for all processes of a machine,
clock_gettime(2)), and `pid` and `tid`, the process and native thread that report it. Connection numbers count from 1
in each process, so a connection is identified by `(pid, conn)`.
"""

import msgspec

PREVIEW = 32
"""Bytes of a payload that a record shows; its `size` is always exact."""


class Record(msgspec.Struct, tag_field="type", gc=False):
    """Any observation, at a time of the monotonic clock (ns)."""

    at: int


class ServerRecord(Record, gc=False):
    """Anything that a server itself reports."""

    pid: int
    tid: int


class Listening(ServerRecord, tag="listening", gc=False):
    """The listening socket is open; `backlog` is the limit of the accept queue (listen(2))."""

    host: str
    port: int
    backlog: int


class WorkerStarted(ServerRecord, tag="worker", gc=False):
    """A process or thread that serves connections has started; `pid` and `tid` are its own."""

    name: str


class New(ServerRecord, tag="new", gc=False):
    """The server has accepted a connection from `peer` (address:port)."""

    conn: int
    peer: str


class Serve(ServerRecord, tag="serve", gc=False):
    """Thread `tid` now serves a connection that another thread has accepted."""

    conn: int


class Recv(ServerRecord, tag="recv", gc=False):
    """The server has read `size` bytes; `head` has the first ones, one character (U+0000 to U+00FF) a byte."""

    conn: int
    size: int
    head: str


class Send(ServerRecord, tag="send", gc=False):
    """The server has written `size` bytes to the kernel (or to its library's buffer)."""

    conn: int
    size: int
    head: str


class Echo(ServerRecord, tag="echo", gc=False):
    """A `Recv` at `at` and the `Send` of the same bytes `took` nanoseconds later, with nothing between them.

    Nearly every message of a server that does not stall is one, so one record replaces two.
    """

    conn: int
    size: int
    head: str
    took: int

    def halves(self) -> tuple[Recv, Send]:
        """Return the two events that it stands for."""
        return (
            Recv(self.at, self.pid, self.tid, self.conn, self.size, self.head),
            Send(self.at + self.took, self.pid, self.tid, self.conn, self.size, self.head),
        )


class Bye(ServerRecord, tag="bye", omit_defaults=True, gc=False):
    """The server has closed a connection; `error` names what ended it, or is empty for an orderly end.

    `refused`: the server closed it at once, because it can't serve it. `unlisted` of its echoes, with `unlisted_size`
    bytes in all, have no record; the reader of the counters reports them by `Counts`.
    """

    conn: int
    error: str = ""
    refused: bool = False
    unlisted: int = 0
    unlisted_size: int = 0


class Block(ServerRecord, tag="block", gc=False):
    """The handler of `conn` enters the injected blocking call.

    It blocks the native thread, and with it whatever else that thread serves, unless the call is `cooperative`: a
    monkey patch has replaced it.
    """

    conn: int
    kind: str
    seconds: float
    cooperative: bool = False


class Unblock(ServerRecord, tag="unblock", gc=False):
    """The blocking call of `conn` has returned."""

    conn: int


class Handed(ServerRecord, tag="handed", gc=False):
    """The blocking call of `conn` waits for one of `helpers` threads or processes, until its `Block`."""

    conn: int
    helpers: int


class NoDescriptors(ServerRecord, tag="no-descriptors", gc=False):
    """accept(2) got no descriptor; from now on clients wait in the accept queue, until the next `New`."""


class ThreadCount(ServerRecord, tag="threads", gc=False):
    """`count` native threads are running in this process."""

    count: int


class Wakes(ServerRecord, tag="wakes", gc=False):
    """This loop was woken `in_vain` more times for a connection that another loop accepted first.

    A loop that counts its wakes reports 0 when it begins.
    """

    in_vain: int


class Note(ServerRecord, tag="note", gc=False):
    """One sentence of the server, such as that it has run out of descriptors."""

    text: str
    code: str = ""
    """A code of the subject, for programs; empty for most notes."""


class Lost(ServerRecord, tag="lost", gc=False):
    """The records that did not fit into the pipe since the last `Lost`, summed up so that totals stay exact.

    An `Echo` counts as two events, the `Recv` and the `Send` that it stands for.
    """

    events: int = 0
    new: int = 0
    recv: int = 0
    recv_bytes: int = 0
    send: int = 0
    send_bytes: int = 0
    bye: int = 0
    wakes: int = 0


Reported = (
    Listening | WorkerStarted | New | Serve | Recv | Send | Echo | Bye | Block | Unblock | Handed | NoDescriptors
    | ThreadCount | Wakes | Note | Lost
)  # fmt: skip


def count_loss(lost: Lost, record: Reported) -> None:
    """Add a record to a loss."""
    lost.events += 2 if isinstance(record, Echo) else 1
    match record:
        case Echo():
            lost.recv += 1
            lost.recv_bytes += record.size
            lost.send += 1
            lost.send_bytes += record.size
        case New():
            lost.new += 1
        case Recv():
            lost.recv += 1
            lost.recv_bytes += record.size
        case Send():
            lost.send += 1
            lost.send_bytes += record.size
        case Bye():
            lost.bye += 1
        case Wakes():
            lost.wakes += record.in_vain


MAPPED = "::ffff:"
"""The prefix of an IPv4 address written as IPv6."""


def preview(data: bytes) -> str:
    """Return the first bytes of a payload as text that encodes to them exactly (Latin-1)."""
    return str(data[:PREVIEW], "latin-1")


def address_name(host: str, port: int) -> str:
    """Return an address as the article prints it; an IPv6 host is put in brackets.

    An IPv4 client has the same name if the server listens for both (RFC 4291, 2.5.5.2).
    """
    host = host.removeprefix(MAPPED) if "." in host else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
