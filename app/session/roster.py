"""Who is connected, who serves them, and who is held: what the records of a server come down to."""

from collections import deque
from collections.abc import Collection
from typing import Any

from app.session.connection import NOTICEABLE, Connection, State
from app.session.parts import BlockSpan, Worker

CLOSED_KEPT = 512
"""Closed connections remembered, the latest ones."""
OPEN_KEPT = 20_000
"""Connections believed open; more than that can only be ones whose closing was lost."""
BLOCKS_KEPT = 512
WORKERS_KEPT = 20_000
"""Workers believed there; no server that can be watched announces more."""
PROCESSES_KEPT = 200
"""Processes remembered, those that have ended too; all that run."""
KEEPS_GIL = "c-gil"
"""The kind of block that holds every thread of its process."""
UNKNOWN_PEER = "?"
"""The peer of a connection whose opening was lost on the way."""


class Roster:
    """Connections by number, by the server's `(pid, conn)` and by peer; workers by `(pid, tid)`; blocking calls."""

    def __init__(self) -> None:
        self.connections: dict[int, Connection] = {}
        self.closed: deque[Connection] = deque(maxlen=CLOSED_KEPT)
        self.workers: dict[tuple[int, int], Worker] = {}
        self.blocks: deque[BlockSpan] = deque(maxlen=BLOCKS_KEPT)
        self.blocking: dict[tuple[int, int], BlockSpan] = {}
        self.holding: dict[tuple[int, int], BlockSpan] = {}
        self.ended_took: dict[int, int] = {}
        """When (ns) a thread of a process that has ended with its client had last taken anything, by process."""
        self.unblocked_at = 0
        """When (ns) a blocking call last returned."""
        self._numbers = 0
        self._by_key: dict[tuple[int, int], Connection] = {}
        self._by_peer: dict[str, Connection] = {}

    @property
    def peers(self) -> Collection[str]:
        """Who is connected, accepted or not, as far as it is known."""
        return self._by_peer.keys()

    def held_since(self, connection: Connection) -> int:
        """Since when (ns) the thread that serves a connection has been blocked for another one; 0 if it is not."""
        span = self.holding.get((connection.pid, connection.tid)) or self._keeps_gil(connection.pid)
        if span is None or span.connection == connection.number or connection.closed_at or connection.left_at:
            return 0
        return max(span.begin, connection.accepted_at)

    @property
    def keepers(self) -> Collection[tuple[int, int]]:
        """The threads that have entered a blocking call which keeps the GIL, by `(pid, tid)`."""
        return [thread for thread, span in self.holding.items() if span.kind == KEEPS_GIL]

    def _keeps_gil(self, pid: int) -> BlockSpan | None:
        """The blocking call that keeps the GIL from all threads of a process, if there is one."""
        return next((s for s in self.holding.values() if s.pid == pid and s.kind == KEEPS_GIL), None)

    def _open(self, peer: str, at: int) -> Connection:
        """A connection that nothing was known of."""
        if len(self.connections) >= OPEN_KEPT:
            self._retire(next(iter(self.connections.values())), at, "unknown")
        self._numbers += 1
        connection = Connection(self._numbers, peer, at)
        self.connections[connection.number] = connection
        self._by_peer[peer] = connection
        return connection

    def _known(self, o: Any) -> Connection:
        """The connection a record speaks of; one whose opening was lost gets a place of its own."""
        connection = self._by_key.get((o.pid, o.conn))
        if connection is None:
            connection = self._open(UNKNOWN_PEER, o.at)
            self._accept(connection, o)
        return connection

    def _retire(self, connection: Connection, at: int, error: str) -> None:
        """The connection is over for the server."""
        connection.close(at, error)
        self.connections.pop(connection.number, None)
        self.closed.append(connection)
        if connection.key:
            self._by_key.pop(connection.key, None)
            self._unblocked(connection.key, at)
        if self._by_peer.get(connection.peer) is connection:
            del self._by_peer[connection.peer]
        self._unassign(connection)

    def _accept(self, connection: Connection, o: Any) -> None:
        """The server has taken a connection, as a record of it says."""
        key = (o.pid, o.conn)
        if stale := self._by_key.get(key):
            self._retire(stale, o.at, "unknown")
        connection.accepted(o.at, key)
        self._by_key[key] = connection
        self._assign(connection, o.pid, o.tid, o.at)

    def _assign(self, connection: Connection, pid: int, tid: int, at: int) -> None:
        """A thread serves a connection from now on; one that nobody announced was started for it."""
        before = self._unassign(connection)
        if before and not connection.recv:  # it has only accepted it
            before.served -= 1
        connection.pid, connection.tid = pid, tid
        worker = self.workers.get((pid, tid))
        if worker is None:
            worker = Worker(pid, tid, f"for {connection.peer}", at, False)
            self.workers[pid, tid] = worker
        worker.took_at = max(worker.took_at, at)
        worker.serving[connection.number] = connection
        worker.served += 1

    def _unassign(self, connection: Connection) -> Worker | None:
        worker = self.workers.get((connection.pid, connection.tid))
        if worker is None or worker.serving.pop(connection.number, None) is None:
            return None
        worker.took_at = max(worker.took_at, connection.closed_at, connection.accepted_at, connection.taken_at)
        if not worker.serving and not worker.announced:
            del self.workers[worker.pid, worker.tid]
            self.ended_took[worker.pid] = max(self.ended_took.pop(worker.pid, 0), worker.took_at)
            if len(self.ended_took) > PROCESSES_KEPT:
                del self.ended_took[next(iter(self.ended_took))]
        return worker

    def _blocked(self, key: tuple[int, int], span: BlockSpan) -> None:
        """A connection's handler has entered a blocking call."""
        self._unblocked(key, span.begin)
        self.blocking[key] = span
        if not span.cooperative:
            thread = (span.pid, span.tid)
            before = self.holding.get(thread)
            if before and (other := self.connections[before.connection].key):
                self._unblocked(other, span.begin)
            self.holding[thread] = span
            span.stops_all = all(worker in self.holding for worker in self.workers)
        self.blocks.append(span)

    def _unblocked(self, key: tuple[int, int], at: int) -> None:
        """The blocking call has returned: those it held remember it."""
        span = self.blocking.pop(key, None)
        if span is None:
            return
        span.end = at
        self.unblocked_at = max(self.unblocked_at, at)
        thread = (span.pid, span.tid)
        if self.holding.get(thread) is span:
            del self.holding[thread]
            worker = self.workers.get(thread)
            if worker and at - span.begin >= NOTICEABLE:
                for held in worker.serving.values():
                    if held.number != span.connection:
                        held.remember(max(span.begin, held.accepted_at), at, State.HELD)
