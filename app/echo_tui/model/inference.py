"""What a server has done that reports nothing, inferred from samples of the kernel's evidence.

The inferences are the records that the server would have reported, so that the session and the diagnosis need not
know where they come from. What they can't have: payloads, blocking calls, and the time between two samples. A change
that a sample reveals is dated halfway between that sample and the one before.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from echo_servers.records import Bye, Listening, New, Recv, Send, Serve, WorkerStarted

from echo_tui.model.evidence import Socket, Thread
from echo_tui.model.observations import (
    IdleCalls,
    Observation,
    ServerExited,
    SocketSample,
    ThreadSample,
)
from echo_tui.model.threads import KINDS

ASKED = 32
"""Connections that a sample is asked to describe, in turns: each costs a system call."""
SETTLED = 1_000_000_000
"""How long (ns) a server may take until its workers are idle in accept."""
PATIENCE = 4
"""For so many more samples a new connection is kept back until the thread that serves it is seen."""
ASSUMED = "assumed"
"""How a worker accepts that was not seen to."""
UNKNOWN = 0
"""The thread of a connection that no sample has shown."""


@dataclass(slots=True)
class Inferred:
    """A connection: its number in the records, the thread that serves it, and the bytes read and written so far."""

    number: int
    pid: int
    tid: int
    since: int
    """When (ns) it was first seen."""
    read: int = 0
    written: int = 0


class Inference:
    """Turns samples of one server into the records that it does not send."""

    def __init__(
        self, pid: int, host: str, port: int, owner: Callable[[str], int] = lambda peer: 0, assume: bool = False
    ) -> None:
        """`owner` tells which process has the connection of a client's address; 0 where that is not known.

        A server that is attached to while it is stuck shows no thread that accepts. With `assume` the threads that were
        seen with connections are taken for its workers then, or else the main threads.
        """
        self._owner, self._assume = owner, assume
        self._seen: dict[tuple[int, int], str] = {}
        """The names of all threads, while workers may have to be assumed."""
        self._began = 0
        self._pid, self._host, self._port = pid, host, port
        self._listens = False
        self._idle: list[str] = []
        self._accepting: dict[tuple[int, int], str] = {}
        """Threads that were seen idle in accept or in a poll, by `(pid, tid)`, and in which of the two."""
        self._names: dict[tuple[int, int], str] = {}
        """Names of the polling threads that may be workers: see `_loops`."""
        self._polls_since = 0
        self._serving: dict[str, tuple[int, int]] = {}
        """The thread that was last seen reading from a connection or writing to it, by the client's address."""
        self._connections: dict[str, Inferred] = {}
        self._new: dict[str, tuple[int, int]] = {}
        """Accepted connections whose thread is not known yet: since when (ns), and for how many samples."""
        self._numbers = 0
        self._turn = 0
        self._asked: list[str] = []
        self._before = 0

    @property
    def known(self) -> Collection[str]:
        """The addresses of the clients whose connections are to be described by `ask` alone."""
        return self._connections.keys()

    def ask(self) -> list[str]:
        """Return the connections that the next sample must describe, whether anything waits in them or not."""
        peers, count = self._connections, len(self._connections)
        self._turn = (self._turn + ASKED) % count if count > ASKED else 0
        self._asked = [*islice(peers, self._turn, self._turn + ASKED)]
        if count > ASKED:
            self._asked += islice(peers, ASKED - len(self._asked))
        return self._asked

    def infer(self, found: Sequence[Observation]) -> Iterator[Observation]:
        """Give what was observed and what follows from it; a sample of the sockets comes after its inferences.

        They are needed before it, because it is judged: who has read bytes must be known by then.
        """
        for one in found:
            match one:
                case ThreadSample():
                    yield one
                    yield from self._threads(one)
                case SocketSample():
                    yield from self._sockets(one)
                    yield one
                case ServerExited():
                    self._connections.clear()
                    yield one
                case _:
                    yield one

    def _threads(self, o: ThreadSample) -> Iterator[Observation]:
        self._began = self._began or o.at
        for key in o.gone:
            self._names.pop(key, None)
            self._seen.pop(key, None)
            self._accepting.pop(key, None)
            self._serving = {peer: thread for peer, thread in self._serving.items() if thread != key}
        for thread in o.threads:
            if self._assume:
                self._seen[thread.pid, thread.tid] = thread.name
            yield from self._thread(o.at, thread)
        if self._assume and o.at - self._began >= SETTLED:
            yield from self._assumed(o.at)

    def _assumed(self, at: int) -> Iterator[Observation]:
        """Give workers for a server that has shown none so far."""
        self._assume = False
        if not self._accepting:
            serving = [key for key in self._seen if key in self._serving.values()]
            for key in serving or [key for key in self._seen if key[0] == key[1]]:
                self._accepting[key] = ASSUMED
                yield WorkerStarted(at, *key, self._seen[key])
        self._seen.clear()

    def _thread(self, at: int, thread: Thread) -> Iterator[Observation]:
        key, kind = (thread.pid, thread.tid), KINDS.get(thread.call, "")
        if thread.parks:  # its threads poll in turns, and any of them runs any goroutine: the process is one worker
            key = (thread.pid, thread.pid)
            kind = "poll" if kind == "poll" and thread.accepts else ""
        is_new = self._accepting.get(key, ASSUMED) == ASSUMED
        accepts = kind == "accept" or (kind == "poll" and thread.accepts and is_new)
        if accepts and self._accepting.get(key) != kind:
            self._accepting[key] = kind
            yield from self._idles_in(at, kind)
            yield WorkerStarted(at, *key, thread.name)
        elif kind == "poll" and thread.accepts is None and key not in self._accepting and key not in self._names:
            self._names[key] = thread.name
            self._polls_since = self._polls_since or at
        elif kind in ("recv", "send") and thread.peer:
            if kind == "recv":
                yield from self._idles_in(at, kind)
            self._serving[thread.peer] = key
            connection = self._connections.get(thread.peer)
            if connection and (connection.pid, connection.tid) != key:
                yield from self._served_by(at, connection, key)

    def _loops(self, at: int, accepted: bool) -> Iterator[Observation]:
        """Give the threads that poll as workers, where nobody is idle in accept.

        A process whose children accept may poll too, to learn of their end. So a poll counts once a connection is
        accepted, or when for `SETTLED` no thread was seen in accept.
        """
        if not self._names or not (accepted or at - self._polls_since >= SETTLED):
            return
        if "accept" not in self._accepting.values():
            for key, name in self._names.items():
                self._accepting[key] = "poll"
                yield from self._idles_in(at, "poll")
                yield WorkerStarted(at, *key, name)
        self._names.clear()

    def _idles_in(self, at: int, kind: str) -> Iterator[Observation]:
        if kind not in self._idle:
            self._idle.append(kind)
            yield IdleCalls(at, self._idle.copy())

    def _served_by(self, at: int, connection: Inferred, key: tuple[int, int]) -> Iterator[Observation]:
        if connection.pid == key[0]:
            connection.tid = key[1]
            yield Serve(at, *key, connection.number)

    def _sockets(self, o: SocketSample) -> Iterator[Observation]:
        changed = (self._before + o.at) // 2 if self._before else _before_all_waits(o)
        self._before = o.at
        if o.limit is not None and not self._listens:
            self._listens = True
            yield Listening(o.at, self._pid, self._pid, self._host, self._port, o.limit)
        yield from self._loops(o.at, any(socket.accepted for socket in o.sockets))
        there = set()
        for socket in o.sockets:
            there.add(socket.peer)
            connection = self._connections.get(socket.peer)
            if connection is None and socket.accepted:
                yield from self._accepted(changed, socket.peer)
                if (new := self._connections.get(socket.peer)) and socket.received is not None:
                    yield from self._progress(new.since, new, socket)
            elif connection and socket.received is not None:
                yield from self._progress(changed, connection, socket)
        self._new = {peer: seen for peer, seen in self._new.items() if peer in there}
        for peer in self._asked:
            if peer not in there:
                yield from self._gone(changed, peer)
        for socket in o.sockets:
            if not socket.accepted and socket.received is not None:  # the server has closed its end
                yield from self._gone(changed, socket.peer)

    def _accepted(self, at: int, peer: str) -> Iterator[Observation]:
        """Give a new connection, once it is known who serves it, or after some samples without an answer."""
        first, samples = self._new.get(peer, (at, 0))
        self._new[peer] = (first, samples + 1)
        key = self._thread_of(peer)
        if key or samples == PATIENCE:
            del self._new[peer]
            self._numbers += 1
            connection = Inferred(self._numbers, *(key or (self._owner(peer) or self._pid, UNKNOWN)), first)
            self._connections[peer] = connection
            yield New(first, connection.pid, connection.tid, connection.number, peer)

    def _thread_of(self, peer: str) -> tuple[int, int] | None:
        """Return who serves a new connection: who was seen with it, or the only one that waits for connections.

        Of several processes it is the one that owns the connection.
        """
        if seen := self._serving.get(peer):
            return seen
        those = list(self._accepting)
        if len(those) > 1 and (owner := self._owner(peer)):
            those = [key for key in those if key[0] == owner]
        return those[0] if len(those) == 1 else None

    def _progress(self, at: int, connection: Inferred, socket: Socket) -> Iterator[Observation]:
        assert socket.received is not None
        pid, tid, number = connection.pid, connection.tid, connection.number
        if (read := socket.received - socket.unread) > connection.read:
            yield Recv(at, pid, tid, number, read - connection.read, "")
            connection.read = read
        if socket.written is not None and socket.written > connection.written:
            yield Send(at, pid, tid, number, socket.written - connection.written, "")
            connection.written = socket.written

    def _gone(self, at: int, peer: str) -> Iterator[Observation]:
        self._serving.pop(peer, None)
        if connection := self._connections.pop(peer, None):
            yield Bye(at, connection.pid, connection.tid, connection.number)


def _before_all_waits(o: SocketSample) -> int:
    """Return a time (ns) before anything in a first sample began to wait: what was accepted and read came before that.

    Otherwise a stall that began before it was watched would seem to end with the first sample.
    """
    idle = [socket.idle for socket in o.sockets if socket.idle is not None and (socket.unread or not socket.accepted)]
    return o.at - (max(idle) + 1) * 1_000_000 if idle else o.at
