"""Hypothesis strategies for streams of observations: of a simulated server with clients, and of a hostile server."""

from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

import msgspec
from echo_servers.records import Block, Bye, Echo, Lost, New, Recv, Send, Serve, Unblock, WorkerStarted
from echo_tui.model.evidence import Frame, Goroutine, Socket, Stack, Thread
from echo_tui.model.observations import (
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientOpening,
    ClientSent,
    Observation,
    ServerStarted,
    SystemCalls,
    ThreadSample,
)
from hypothesis import strategies as st

T = TypeVar("T")
TICK = 7_000_000
PIDS = (100, 101, 102)


@dataclass
class Talk:
    """One connection of a simulated world."""

    pid: int
    conn: int
    tid: int
    peer: str
    client: int | None
    recv_bytes: int = 0
    send_bytes: int = 0
    blocked: bool = False
    asked_at: int = 0
    left: bool = False

    @property
    def to_echo(self) -> int:
        return self.recv_bytes - self.send_bytes


@dataclass
class World:
    """A simulated server of several processes with its clients; each move adds the observations of both ends."""

    now: int = 1_000 * TICK
    said: list[Observation] = field(default_factory=list)
    open: list[Talk] = field(default_factory=list)
    over: list[Talk] = field(default_factory=list)
    counts: Lost = field(default_factory=lambda: Lost(0, 0, 0))
    threads: int = 1000
    clients: int = 0
    conns: dict[int, int] = field(default_factory=dict)

    def begin(self) -> None:
        self.said.append(ServerStarted(self.now, "thread-pool", PIDS[0], "127.0.0.1", 37564))
        for pid in PIDS:
            self.say(WorkerStarted(self.tick(), pid, pid, f"worker {pid}"))

    def tick(self) -> int:
        self.now += TICK
        return self.now

    def say(self, *observations: Observation) -> None:
        self.said += observations

    def move(self, what: str, which: int, size: int) -> None:
        """Make one move, on an open connection if it needs one; do nothing if it is not possible now."""
        if what in ("external", "ours"):
            self.connect(PIDS[which % len(PIDS)], ours=what == "ours", threaded=size % 2 == 0)
        elif what == "lost":
            self.lose(PIDS[which % len(PIDS)], size)
        elif self.open:
            getattr(self, what)(self.open[which % len(self.open)], size)

    def connect(self, pid: int, ours: bool, threaded: bool) -> None:
        conn = self.conns[pid] = self.conns.get(pid, 0) + 1
        peer = f"127.0.0.1:{20_000 + len(self.open) + len(self.over)}"
        self.threads += threaded
        talk = Talk(pid, conn, self.threads if threaded else pid, peer, None)
        if ours:
            self.clients += 1
            talk.client = self.clients
            self.say(ClientOpening(self.tick(), self.clients), ClientConnected(self.tick(), self.clients, peer))
        self.say(New(self.tick(), pid, pid, conn, peer))
        if threaded:
            self.say(Serve(self.tick(), pid, talk.tid, conn))
        self.counts.new += 1
        self.open.append(talk)

    def recv(self, talk: Talk, size: int) -> None:
        if talk.client and not talk.left and not talk.asked_at:
            talk.asked_at = self.tick()
            self.say(ClientSent(talk.asked_at, talk.client, size, "x"))
        self.say(Recv(self.tick(), talk.pid, talk.tid, talk.conn, size, "x"))
        talk.recv_bytes += size
        self.counts.recv += 1
        self.counts.recv_bytes += size

    def send(self, talk: Talk, size: int) -> None:
        if not (size := min(size, talk.to_echo)):
            return
        self.say(Send(self.tick(), talk.pid, talk.tid, talk.conn, size, "x"))
        talk.send_bytes += size
        self.counts.send += 1
        self.counts.send_bytes += size
        if talk.asked_at and not talk.to_echo and not talk.left:
            assert talk.client
            at = self.tick()
            self.say(ClientEcho(at, talk.client, size, "x", at - talk.asked_at, 0))
            talk.asked_at = 0

    def echo(self, talk: Talk, size: int) -> None:
        """Receive and send back in one `Echo` record; bytes that were unanswered before stay unanswered."""
        asked_at = self.tick()
        if talk.client and not talk.left and not talk.asked_at:
            self.say(ClientSent(asked_at, talk.client, size, "x"))
        self.say(Echo(self.tick(), talk.pid, talk.tid, talk.conn, size, "x", 1))
        talk.recv_bytes += size
        talk.send_bytes += size
        self.counts.recv += 1
        self.counts.recv_bytes += size
        self.counts.send += 1
        self.counts.send_bytes += size
        if talk.client and not talk.left and not talk.asked_at:
            at = self.tick()
            self.say(ClientEcho(at, talk.client, size, "x", at - asked_at, 0))

    def block(self, talk: Talk, size: int) -> None:
        """Begin a blocking call, a cooperative one if `size` is even; do nothing if the thread is in a call already."""
        busy = any(other.blocked for other in self.open if (other.pid, other.tid) == (talk.pid, talk.tid))
        if not busy:
            talk.blocked = True
            self.say(Block(self.tick(), talk.pid, talk.tid, talk.conn, "sleep", 2.0, size % 2 == 0))

    def unblock(self, talk: Talk, size: int) -> None:
        if talk.blocked:
            talk.blocked = False
            self.say(Unblock(self.tick(), talk.pid, talk.tid, talk.conn))

    def leave(self, talk: Talk, size: int) -> None:
        if talk.client and not talk.left:
            talk.left = True
            self.say(ClientClosed(self.tick(), talk.client, "closed"))

    def bye(self, talk: Talk, size: int) -> None:
        self.unblock(talk, size)
        self.say(Bye(self.tick(), talk.pid, talk.tid, talk.conn, "" if size % 2 else "reset by client"))
        self.counts.bye += 1
        if talk.client and not talk.left:
            self.say(ClientClosed(self.tick(), talk.client, "server-closed"))
        self.open.remove(talk)
        self.over.append(talk)

    def lose(self, pid: int, size: int) -> None:
        self.say(Lost(self.tick(), pid, pid, 2, 0, 1, size, 1, size, 0))
        self.counts.events += 2
        self.counts.recv += 1
        self.counts.recv_bytes += size
        self.counts.send += 1
        self.counts.send_bytes += size


MOVES = ("external", "ours", "ours", "recv", "recv", "send", "send", "echo", "block", "unblock", "leave", "bye")


def some(each: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """Return a strategy for a few items, which make a failure easy to understand, or many, which find more failures."""
    return st.one_of(st.lists(each, max_size=12), st.lists(each, min_size=25, max_size=60))


def worlds(*more: str) -> st.SearchStrategy[World]:
    """Return a strategy for worlds after some moves; `more` names moves besides MOVES, none of which loses records."""
    move = st.tuples(st.sampled_from((*MOVES, *more)), st.integers(0, 20), st.integers(1, 3000))
    return some(move).map(_made)


def _made(moves: list[tuple[str, int, int]]) -> World:
    world = World()
    world.begin()
    for what, which, size in moves:
        world.move(what, which, size)
    return world


HUGE = 2**63 - 1
few = st.integers(0, 3)
numbers = st.one_of(few, st.sampled_from((-1, 4096, HUGE)))
moments = st.one_of(st.integers(1, 50).map(lambda tick: tick * TICK), st.sampled_from((1, HUGE)))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "at": moments,
    "pid": few,
    "tid": few,
    "conn": few,
    "client": few,
    "peer": st.sampled_from(("127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "?", "")),
    "address": st.sampled_from(("127.0.0.1:1", "127.0.0.1:2", "[::1]:1")),
    "percent": st.lists(st.floats(0, 100), max_size=4),
    "cpu": st.none() | st.floats(0, 400),
    "rss": st.none() | numbers,
    "threads": st.none() | numbers,
    "voluntary": st.none() | numbers,
    "involuntary": st.none() | numbers,
    "queue": st.none() | numbers,
    "limit": st.none() | numbers,
    "dropped": st.none() | numbers,
    "unanswered": st.lists(st.sampled_from(("127.0.0.1:1", "127.0.0.1:9")), max_size=2),
    "idle_calls": st.lists(st.sampled_from(("accept", "recv", "poll", "spin")), max_size=2),
    "calls": st.lists(st.sampled_from(("accept", "recv", "poll")), max_size=2),
    "connected": st.lists(st.sampled_from(("127.0.0.1:1", "127.0.0.1:9")), max_size=2),
    "gone": st.lists(st.tuples(few, few), max_size=2),
    "count": numbers,
    "interval": numbers,
    "stacks": st.lists(
        st.builds(Stack, few, st.lists(st.builds(Frame, st.just("a.py"), numbers, st.just("f")), max_size=2)),
        max_size=2,
    ),
    "sockets": st.lists(
        st.builds(
            Socket,
            st.sampled_from(("127.0.0.1:1", "127.0.0.1:2", "?")),
            numbers,
            numbers,
            st.booleans(),
            *[st.none() | numbers] * 4,
        ),
        max_size=3,
    ),
}
FIELDS["goroutines"] = st.lists(
    st.builds(
        Goroutine,
        numbers,
        few,
        st.lists(st.builds(Frame, st.just("/a.go"), numbers, st.just("main.f")), max_size=2).map(tuple),
        st.sampled_from(("", "sleep", "io-wait", "sync.Mutex.Lock")),
        st.lists(st.sampled_from(("127.0.0.1:1", "listener")), max_size=2).map(tuple),
        st.sampled_from(("", "127.0.0.1:1", "listener", "?")),
        st.booleans(),
    ),
    max_size=3,
)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: numbers,
    int | None: st.none() | numbers,
    str: st.text(max_size=3),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    list[tuple[int, int, int, int]]: st.lists(st.tuples(few, numbers, numbers, numbers), max_size=3),
}
KINDS = get_args(Observation)


seen_threads = st.lists(
    st.builds(
        Thread, few, few, st.just("t"), st.sampled_from(("", "futex", "recvfrom", "sendto", "clock_nanosleep")),
        st.sampled_from(("", "127.0.0.1:1")), st.booleans(), numbers, numbers, st.none() | numbers, st.none() | numbers,
        parks=st.booleans(),
    ),
    max_size=3,
)  # fmt: skip


def _any_of(kind: Any) -> st.SearchStrategy[Observation]:
    if kind is ThreadSample:  # another observation has a field of this name, which is a number
        return st.builds(ThreadSample, moments, seen_threads, FIELDS["gone"], numbers, numbers)
    if kind is SystemCalls:
        return st.builds(SystemCalls, moments, st.lists(st.text(max_size=3), max_size=2), numbers)
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{f.name: FIELDS[f.name] if f.name in FIELDS else BY_TYPE[f.type] for f in fields})


anything: st.SearchStrategy[list[Observation]] = some(st.one_of(*map(_any_of, KINDS)))
"""Valid observations in any order, of few processes and connections: what a broken or hostile server may report."""
