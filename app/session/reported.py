"""What the server says of itself: whom it serves, what it takes and gives back, who blocks, and what it has lost."""

from collections import deque

from app.session.kernel import KernelSide
from app.session.parts import BlockSpan, Worker
from app.session.roster import WORKERS_KEPT
from servers.records import (
    Block,
    Bye,
    Echo,
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

OUTPUT_KEPT = 400
"""Lines of the server's stdout and stderr, and its notes, remembered."""


class Reported(KernelSide):
    """The server's own records, one handler for each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: deque[Note] = deque(maxlen=OUTPUT_KEPT)
        self.lost_at: dict[int, int] = {}
        """When (ns) a loss of a process was last told."""

    def _note(self, o: Note) -> None:
        self.totals.events += 1
        self.notes.append(o)
        self.log.add(o)

    def _threads(self, o: Threads) -> None:
        self.totals.events += 1
        if self.server:
            self.server.threads = o.count
        self.log.add(o)

    def _wakes(self, o: Wakes) -> None:
        self.totals.events += 1
        ours = self._looks.pop(o.pid, 0)  # a look at its stack is a wake in vain, too
        self.totals.wakes_in_vain = (self.totals.wakes_in_vain or 0) + max(o.in_vain - ours, 0)

    def _lost(self, o: Lost) -> None:
        totals = self.totals
        totals.lost += o.events
        totals.new += o.new
        totals.bye += o.bye
        totals.recv += o.recv
        totals.recv_bytes += o.recv_bytes
        totals.send += o.send
        totals.send_bytes += o.send_bytes
        if o.wakes:
            totals.wakes_in_vain = (totals.wakes_in_vain or 0) + o.wakes
        self.lost_at[o.pid] = max(self.lost_at.get(o.pid, 0), o.at)
        for connection in self.connections.values():
            if connection.pid == o.pid:
                connection.lose(o.at)
        if o.events > o.new + o.bye + o.recv + o.send:  # the end of a block may be among what was lost
            for key in [key for key in self.blocking if key[0] == o.pid]:
                self._unblocked(key, o.at)
        self.log.add(o)

    # Its connections, as it reports them.

    def _new(self, o: New) -> None:
        totals = self.totals
        totals.new += 1
        totals.events += 1
        self.accepted_at = max(self.accepted_at, o.at)  # openings that a full pipe has kept come late
        connection = self._by_peer.get(o.peer)
        if connection is None or connection.key is not None:
            connection = self._open(o.peer, o.at)
        self._accept(connection, o)
        if o.at < (lost_at := self.lost_at.get(o.pid, 0)):  # a full pipe keeps openings, and a loss is told first
            connection.lose(lost_at)
        self.log.add(o, o.peer)

    def _serve(self, o: Serve) -> None:
        self.totals.events += 1
        connection = self._known(o)
        self._assign(connection, o.pid, o.tid, o.at)

    def _recv(self, o: Recv) -> None:
        totals = self.totals
        totals.events += 1
        totals.recv += 1
        totals.recv_bytes += o.size
        connection = self._by_key.get((o.pid, o.conn)) or self._known(o)
        connection.received(o.size, o.at)
        if connection.tid != o.tid:
            self._assign(connection, o.pid, o.tid, o.at)
        self.log.add(o, connection.peer)

    def _send(self, o: Send) -> None:
        totals = self.totals
        totals.events += 1
        totals.send += 1
        totals.send_bytes += o.size
        connection = self._by_key.get((o.pid, o.conn)) or self._known(o)
        if connection.client is None:
            connection.echoed(o.at, connection.owed_since)
        connection.returned(o.size, o.at)
        self.log.add(o, connection.peer)

    def _echo(self, o: Echo) -> None:
        totals = self.totals
        totals.events += 2
        totals.recv += 1
        totals.recv_bytes += o.size
        totals.send += 1
        totals.send_bytes += o.size
        connection = self._by_key.get((o.pid, o.conn)) or self._known(o)
        if connection.tid != o.tid:
            self._assign(connection, o.pid, o.tid, o.at)
        if connection.client is None:
            connection.echoed(o.at + o.took, connection.owed_since or connection.came_at or o.at)
        connection.echoed_at_once(o.size, o.at)
        self.log.add_echo(o, connection.peer)

    def _bye(self, o: Bye) -> None:
        self.totals.events += 1
        self.totals.bye += 1
        connection = self._known(o)
        self.log.add(o, connection.peer)
        worker = self.workers.get((connection.pid, connection.tid))
        if worker and o.error and not connection.recv:  # it was turned away, or gone before it was served
            worker.served -= 1
        self._retire(connection, o.at, o.error)

    def _block(self, o: Block) -> None:
        self.totals.events += 1
        connection = self._known(o)
        span = BlockSpan(o.at, o.kind, o.seconds, o.pid, o.tid, connection.number, o.cooperative)
        self._blocked((o.pid, o.conn), span)
        self.log.add(o, connection.peer)

    def _unblock(self, o: Unblock) -> None:
        self.totals.events += 1
        connection = self._known(o)
        self._unblocked((o.pid, o.conn), o.at)
        self.log.add(o, connection.peer)

    # Who serves them.

    def _worker_began(self, o: WorkerBegan) -> None:
        self.totals.events += 1
        if len(self.workers) >= WORKERS_KEPT and (o.pid, o.tid) not in self.workers:
            return
        worker = self.workers.setdefault((o.pid, o.tid), Worker(o.pid, o.tid, o.name, o.at, True))
        worker.name, worker.announced = o.name, True
