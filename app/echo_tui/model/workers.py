"""The workers of a server: its processes and threads that serve connections."""

import copy
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from echo_servers.records import NoDescriptors, WorkerStarted

from echo_tui.model.connection import NOBODY, Connection
from echo_tui.model.table import Table
from echo_tui.model.totals import PROCESSES_KEPT

WORKERS_KEPT = 20_000
"""The limit of workers; no server that can be watched announces more."""


@dataclass(slots=True)
class Worker:
    """A process or thread that serves. `announced` ones stay; a thread for one client ends with it."""

    pid: int
    tid: int
    name: str
    since: int
    announced: bool
    client: str = ""
    """The address of the only client of a thread that was not announced; such a thread has no name."""
    serving: dict[int, Connection] = field(default_factory=dict)
    served: int = 0
    progressed_at: int = 0
    """When (ns) it last accepted or ended a connection, or wrote, if its server reports nothing."""

    @property
    def last_progress(self) -> int:
        """When (ns) it last made progress: read bytes, accepted a connection, or ended one."""
        return max(self.progressed_at, max((connection.read_at for connection in self.serving.values()), default=0))


class Workers(Table[tuple[int, int], Worker]):
    """The workers by `(pid, tid)`, and what is known of their processes."""

    def __init__(self) -> None:
        super().__init__()
        self.ended_progress: dict[int, int] = {}
        """When (ns) a thread that has ended with its client last made progress, by process."""
        self.starved: dict[int, int] = {}
        """Processes without a file descriptor for the next client, and since when (ns)."""

    def latest(self, count: int) -> list[tuple[int, int]]:
        """Return the workers with the latest progress, by `(pid, tid)`, the latest first."""
        latest = heapq.nlargest(count, self._all.values(), key=lambda worker: worker.last_progress)
        return [(worker.pid, worker.tid) for worker in latest]

    def announce(self, o: WorkerStarted) -> None:
        """Add a worker that the server has announced."""
        key = (o.pid, o.tid)
        if len(self._all) >= WORKERS_KEPT and key not in self._all:
            return
        worker = self._all.setdefault(key, Worker(o.pid, o.tid, o.name, o.at, True))
        worker.name, worker.announced = o.name, True

    def assign(self, connection: Connection, pid: int, tid: int, at: int) -> None:
        """Assign a connection to a thread; a thread that was not announced was started for it."""
        if connection.tid != NOBODY and (before := self.release(connection)) and not connection.recv:
            before.served -= 1  # it has only accepted the connection
        connection.served_by(pid, tid)
        worker = self._all.get((pid, tid))
        if worker is None:
            worker = self._all[pid, tid] = Worker(pid, tid, "", at, False, connection.peer)
        if at > worker.progressed_at:
            worker.progressed_at = at
        worker.serving[connection.number] = connection
        worker.served += 1

    def release(self, connection: Connection) -> Worker | None:
        """End the service of a connection. Return the worker that served it; None if there is none."""
        worker = self._all.get((connection.pid, connection.tid))
        if worker is None or worker.serving.pop(connection.number, None) is None:
            return None
        at = connection.closed_at  # compared one by one, because max() takes twice as long
        if connection.read_at > at:
            at = connection.read_at
        if connection.accepted_at > at:
            at = connection.accepted_at
        if at > worker.progressed_at:
            worker.progressed_at = at
        if not worker.serving and not worker.announced:
            del self._all[worker.pid, worker.tid]
            at, before = worker.progressed_at, self.ended_progress.pop(worker.pid, 0)
            self.ended_progress[worker.pid] = at if at > before else before
            if len(self.ended_progress) > PROCESSES_KEPT:
                del self.ended_progress[next(iter(self.ended_progress))]
        return worker

    def progressed(self, pid: int, tid: int, at: int) -> None:
        """Note that a worker has made progress that is neither a read nor an acceptance."""
        if worker := self._all.get((pid, tid)):
            worker.progressed_at = max(worker.progressed_at, at)

    def not_served(self, connection: Connection) -> None:
        """Note that a connection was refused, or left before it was served."""
        worker = self._all.get((connection.pid, connection.tid))
        if worker:
            worker.served -= 1

    def starve(self, o: NoDescriptors) -> None:
        """Note that a process has no file descriptor for the next client."""
        if len(self.starved) < PROCESSES_KEPT:
            self.starved.setdefault(o.pid, o.at)

    def has_descriptors(self, pid: int) -> None:
        """Note that a process has accepted again."""
        self.starved.pop(pid, None)

    def process_gone(self, pid: int) -> None:
        """Forget the workers of a process that has ended."""
        for key in [key for key in self._all if key[0] == pid]:
            del self._all[key]
        self.ended_progress.pop(pid, None)
        self.starved.pop(pid, None)

    def clear(self) -> None:
        """Forget all workers: the server has ended."""
        self._all.clear()
        self.ended_progress.clear()
        self.starved.clear()

    def snapshot(self, connections: Mapping[int, Connection]) -> "Workers":
        """Return a copy that no longer changes, whose workers serve these copies of the connections."""
        twin = Workers()
        for key, worker in self._all.items():
            twin._all[key] = copied = copy.copy(worker)
            copied.serving = {number: connections[number] for number in worker.serving}
        twin.ended_progress, twin.starved = self.ended_progress.copy(), self.starved.copy()
        return twin
