"""What the kernel shows of the server: its sockets, its threads, its stacks, and the stalls that follow from them."""

from collections import Counter
from collections.abc import Collection

from app.session.causes import ACCEPT, Scene
from app.session.clients import OurClients
from app.session.connection import Connection
from app.session.observations import Socket, SocketSample, StackSample, SystemCalls, ThreadSample, Unavailable
from app.session.parts import Calls
from app.session.stalls import Stalls
from app.session.threads import Threads, ThreadState

WANTED = 32
"""Connections that are asked for at a look though nothing waits in them: each costs a call of its own."""
UNSAID = WANTED // 2
"""Of those, so many of whom nobody has said that they are accepted; many wait in the queue, where a walk finds them."""
LINGERS = 10_000_000_000
"""For so long (ns) after its goodbye an accepted socket is the one that was, and nobody else with its port."""
UNKNOWN_RESTS = ("accept", "recv", "poll")
"""Where threads rest of a program that has not said so."""


class KernelSide(OurClients):
    """The evidence from outside the server, joined with what it says itself."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = Threads()
        self.stalls = Stalls()
        self.calls = Calls()
        self.missing: dict[str, str] = {}
        """Kinds of evidence that can't be had here, and why."""
        self.accepted_at = 0
        self._seen = 0
        self._asked: set[int] = set()
        """Of those of whom nobody has said that they are accepted, whom the next look asks for, whatever comes."""
        self._asked_last = 0
        self._missed: set[int] = set()
        """Of those, of whom the kernel knew nothing when it was asked last."""
        self._strangers: dict[str, int] = {}
        """Whom the server has out of its accept queue without a word, as of the last look, and since when (ns)."""
        self._with_bytes: set[int] = set()
        self._blind = False
        """Whether the threads were to be seen, and are no more."""
        self._looks: Counter[int] = Counter()
        """How often a loop that waited was woken to write its stack, by process, since it last told of its wakes."""

    @property
    def wanted(self) -> Collection[str]:
        """Whose connections are worth a look though nothing waits in them: what the server has of them it can't say.

        It has not said that it has accepted them, or the thread that serves them waits for the GIL, or is a loop that
        is away from its rest and has told nothing for a while.
        """
        if not self.server or not self.server.listening_at:
            return ()
        speechless = [key for key, thread in self.threads.known.items() if thread.gil_since or self._is_stuck(thread)]
        served = [c for key in speechless if (worker := self.workers.get(key)) for c in worker.serving.values()]
        unsaid = [c for c in self.connections.values() if not c.accepted_at and not c.left_at]
        unsaid.sort(key=lambda connection: connection.number not in self._asked)
        return [connection.peer for connection in (*unsaid[:UNSAID], *served)][:WANTED]

    @property
    def surely_known(self) -> Collection[str] | None:
        """Who is connected; None where somebody may be of whom the server can't speak."""
        return None if self._speechless else self.peers

    @property
    def strangers_to(self) -> Collection[str] | None:
        """Who is connected, where others are to be looked for though they say nothing; None where that is no time to.

        To go through all there are is dear, so it is done where a thread has had nothing to say for a while.
        """
        stuck = any(thread.gil_since or self._is_stuck(thread) for thread in self.threads.known.values())
        return self.peers if stuck else None

    @property
    def _speechless(self) -> bool:
        """Whether a thread may have accepted somebody and not come to say so: it waits for the GIL, or its loop turns.

        A loop accepts in one turn, and greets in the next one.
        """
        seen_at = self.threads.seen_at
        return any(t.gil_since or (t.home and t.rested_at != seen_at) for t in self.threads.known.values())

    def _is_stuck(self, thread: ThreadState) -> bool:
        """Whether a loop is away from its rest, and has told nothing for half as long as a stall."""
        worker, seen_at = self.workers.get((thread.pid, thread.tid)), self.threads.seen_at
        away = thread.home and thread.rested_at != seen_at
        return bool(away and worker and seen_at - worker.last_take >= self.stalls.threshold // 2)

    def suspects(self, now: int) -> set[int]:
        """Processes whose stacks are worth asking for: where something seems to stall, or a block lasts for as long."""
        lasting = now - self.stalls.threshold // 2
        thread = self.threads.known.get
        unseen = ((key, span) for key, span in self.holding.items() if span.begin <= lasting)
        return self.stalls.suspects | {
            key[0] for key, span in unseen if (state := thread(key)) and state.framed_at < span.begin
        }

    def _sockets(self, o: SocketSample) -> None:
        server = self.server
        if not (server and server.running):
            return
        figures = (o.queue, o.limit, o.dropped, len(o.unanswered))
        if figures != (server.queue, server.queue_limit, server.dropped, server.unanswered):
            self._seen += 1
        server.queue, server.queue_limit, server.dropped, server.unanswered = figures
        self._note_newcomers(o)
        self._note_queue(o)
        self._note_bytes(o)
        server.interval = o.interval
        if o.judged:
            self._judge(o)

    def _note_newcomers(self, o: SocketSample) -> None:
        """One that nobody has accepted is not who was accepted before with its port: that one can only have left."""
        for socket in o.sockets:
            before = None if socket.accepted else self._by_peer.get(socket.peer)
            if before and 0 < before.accepted_at < o.at:
                if not before.left_at:
                    before.leave(o.at, "its port is another one's now")
                self._open(socket.peer, _arrival(o, socket))
                self._seen += 1

    def _note_bytes(self, o: SocketSample) -> None:
        """Which connections have bytes waiting in the kernel; those that had some and are not named have none left."""
        before, self._with_bytes = self._with_bytes, set()
        for socket in o.sockets:
            connection = self._by_peer.get(socket.peer)
            if connection and (socket.unread or socket.unsent):
                self._with_bytes.add(connection.number)
                self._seen += (connection.unread, connection.unsent) != (socket.unread, socket.unsent)
                connection.has_waiting(socket.unread, socket.unsent, o.at, _arrival(o, socket))
        for number in before - self._with_bytes:
            if emptied := self.connections.get(number):
                emptied.has_waiting(0, 0, o.at, o.at)
                self._seen += 1
        for socket in o.sockets:
            if socket.received is not None and (connection := self._by_peer.get(socket.peer)):
                connection.has_received(socket.received, _arrival(o, socket))

    def _note_queue(self, o: SocketSample) -> None:
        """Who is in the accept queue, strangers too; one that is there no more and was not accepted has left."""
        unknown = [socket for socket in o.sockets if socket.peer not in self._by_peer]
        if unknown:
            over = {c.peer: c.closed_at for c in self.closed if c.closed_at > o.at - LINGERS}
            # One that has ended since this look is told to have; and a server says goodbye before it closes a socket.
            unknown = [s for s in unknown if s.peer not in over or not (s.accepted or over[s.peer] > o.at)]
        before = self._strangers
        unsaid = self._speechless and not self.totals.lost  # that it was accepted may be among what was lost
        silent = [socket for socket in unknown if socket.accepted] if unsaid else []
        self._strangers = {socket.peer: before.get(socket.peer, _arrival(o, socket)) for socket in silent}
        for socket in unknown:
            if not socket.accepted or socket.peer in before:  # twice: not just accepted and not reported yet
                self._open(socket.peer, before.get(socket.peer, _arrival(o, socket)))
                self._seen += 1
        self._note_gone(o)

    def _note_gone(self, o: SocketSample) -> None:
        """Who is in the queue no more; one that is accepted, silent and not spoken of has to be asked for to be seen.

        So only they are gone that were asked for, twice; they come first, and then all the others in turn.
        """
        there = {socket.peer for socket in o.sockets}
        unsaid = [c for c in self.connections.values() if not c.accepted_at and c.client is None]
        gone = [c for c in unsaid if c.peer not in there and (c.left_at or c.number in self._asked)]
        missed, self._missed = self._missed, {connection.number for connection in gone}
        for connection in gone:
            if connection.number in missed:
                self._retire(connection, o.at, "left the queue")
                self._seen += 1
        to_ask = [connection for connection in unsaid if not connection.left_at]
        to_ask.sort(key=lambda c: (c.number not in self._missed, c.number <= self._asked_last, c.number))
        asked = [connection.number for connection in to_ask[:UNSAID]]
        self._asked, self._asked_last = set(asked), asked[-1] if asked else 0

    def _judge(self, o: SocketSample) -> None:
        unsaid = self._speechless and not self.totals.lost
        waiting = (
            self._by_peer.get(socket.peer)
            for socket in o.sockets
            if socket.unread or not socket.accepted or unsaid  # it is accepted, and nobody has come to say so
        )
        rests = tuple(self.server.rests) if self.server and self.server.rests else UNKNOWN_RESTS
        with_bytes = sorted(self._with_bytes)
        if self._blind and "poll" in rests:  # what a loop leaves on purpose was known by its rest
            with_bytes = []
        self.stalls.judge(
            Scene(
                o.at,
                [c for number in with_bytes if (c := self.connections.get(number)) and self._waits(c)],
                [c for c in waiting if c and not (c.accepted_at or c.left_at)],
                o.unanswered,
                self.workers,
                self.threads,
                self.holding.values(),
                rests,
                self.accepted_at,
                self.ended_took,
                self.unblocked_at,
            )
        )

    def _waits(self, connection: Connection) -> bool:
        """Whether a connection that the server has accepted has bytes that nobody has taken."""
        return bool(connection.unread and connection.accepted_at and not connection.left_at)

    def _threads_seen(self, o: ThreadSample) -> None:
        if self.server and self.server.running:
            self.threads.apply(o)

    def _stacks(self, o: StackSample) -> None:
        first = self.threads.known.get((o.pid, o.pid))
        if first and first.kind == "poll" and any(stack.tid == o.pid for stack in o.stacks):
            self._looks[o.pid] += 1
        self.threads.apply_stacks(o)

    def _system_calls(self, o: SystemCalls) -> None:
        self.calls.kept.extend(o.lines)
        self.calls.total += len(o.lines)
        self.calls.seen += o.count
        self.calls.begun = o.begun

    def _unavailable(self, o: Unavailable) -> None:
        self.missing[o.what] = o.why
        self._seen += 1
        if o.what == "threads":  # what was seen last would be true for ever
            self._blind = bool(self.threads.known)
            looped = bool(self.server and "poll" in self.server.rests)
            self.stalls.end(o.at, [key for key in self.stalls.going if looped or (key != ACCEPT and not key[1])])
            self.threads.end()
            self.threads.interval = None
        elif o.what == "sockets":
            self.stalls.end(o.at)
            if self.server:
                self.server.interval = 0
            for number in self._with_bytes & self.connections.keys():
                self.connections[number].has_waiting(0, 0, o.at, o.at)
            self._with_bytes = set()
            strangers = [c for c in self.connections.values() if not c.accepted_at and c.client is None]
            for connection in strangers:
                if connection.peer not in self.flood.peers:
                    self._retire(connection, o.at, "out of sight")

    def at_it_since(self, state: ThreadState) -> int:
        """Since when (ns) a thread has been doing what it does: it began after what it last took."""
        worker = self.workers.get((state.pid, state.tid))
        return max(state.since, worker.last_take if worker else 0)


def _arrival(sample: SocketSample, socket: Socket) -> int:
    """When (ns) the last bytes of a connection came, or at the latest now."""
    return sample.at - (socket.idle or 0) * 1_000_000
