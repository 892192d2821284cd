"""The evidence at one time, as input of the diagnosis."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from echo_tui.model.blocks import BlockSpan, Handover
from echo_tui.model.connection import Connection
from echo_tui.model.threads import Threads, ThreadState
from echo_tui.model.workers import Worker

BRISK = 100_000_000
"""A worker that made progress within this time (ns) counts as serving its client, whatever a sample shows."""
UNSURE = BRISK + 150_000_000
"""How far (ns) a state change may predate the sample that reveals it: samples are up to 100 ms apart."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who waits at one time, which workers could serve them, and what the kernel shows of both."""

    at: int
    unread: list[Connection]
    queued: list[Connection]
    """Connections that were not accepted, or whose acceptance was not reported."""
    unanswered: list[str]
    workers: Mapping[tuple[int, int], Worker]
    threads: Threads
    connections: Mapping[int, Connection]
    blocking: Iterable[BlockSpan]
    elsewhere: Collection[int]
    """Connections whose blocking call is made by a helper, so that it blocks no worker."""
    idle_calls: tuple[str, ...]
    accepted_at: int
    """When a connection was last accepted (ns)."""
    ended_progress: dict[int, int]
    """When (ns) threads that have ended last made progress, by process."""
    handed: Collection[Handover] = ()
    """Blocking calls that wait for a helper."""
    helped: Mapping[int, int] = field(default_factory=dict)
    """The number of blocking calls that helpers are making, by process."""
    helped_at: Mapping[int, int] = field(default_factory=dict)
    """When (ns) a helper last began a blocking call, by process."""
    starved: bool = False
    """Whether a process has no file descriptor for the next client."""
    unblocked_at: int = 0
    """When (ns) a blocking call last returned."""
    replies: Mapping[int, int] = field(default_factory=dict)
    """Connections without a reply by the kernel's figures, and since when (ns)."""
    replied_at: Mapping[int, int] = field(default_factory=dict)
    """When (ns) a reply of each process was seen last."""
    throttled: tuple[tuple[int, int], ...] = ()
    """The latest times (ns), and for how long (ns) the server's control group had been throttled by then."""

    @property
    def loops(self) -> bool:
        """Whether workers are event loops, which accept in the same turn in which they read.

        A server that polls to accept and then waits in recv for the client that it has accepted is none.
        """
        return "poll" in self.idle_calls and not any(self._reads_from_one(worker) for worker in self.accepting)

    def is_throttled(self, begin: int) -> bool:
        """Return whether the control group has kept the server from running for most of the time since `begin` (ns)."""
        within = [(at, total) for at, total in self.throttled if at >= begin]
        before = [total for at, total in self.throttled if at < begin][-1:]
        if not within:
            return False
        since = before[0] if before else within[0][1]
        return 2 * (within[-1][1] - since) >= within[-1][0] - begin > 0

    def helpers_are_busy(self, handover: Handover) -> bool:
        """Return whether all helpers that a call could use are busy with other calls."""
        return self.helped.get(handover.pid, 0) >= handover.helpers

    @property
    def accepting(self) -> list[Worker]:
        """The workers that accept: those that the server has announced."""
        return [worker for worker in self.workers.values() if worker.announced]

    @property
    def busy(self) -> list[tuple[int, int]]:
        """The accepting workers that are not idle, the one without progress for the longest time first."""
        busy = [worker for worker in self.accepting if self._is_busy(self.threads.known.get((worker.pid, worker.tid)))]
        return [(worker.pid, worker.tid) for worker in sorted(busy, key=lambda worker: worker.last_progress)]

    def is_idle(self, state: ThreadState) -> bool:
        """Return whether a thread is idle: in the call from which new work wakes it, and not stopped by a signal.

        That no goroutine has work is not seen by a thread of a Go program.
        """
        idles = state.kind in self.idle_calls and (state.kind != "poll" or state.is_in_idle_call)
        return idles and not state.stopped and not state.parks

    def parks(self, pid: int) -> bool:
        """Return whether a process is a Go program: its goroutines wait without a thread."""
        return self.threads.parks(pid)

    def stays(self, key: tuple[int, int]) -> bool:
        """Return whether a worker is serving its own client: it waits for it, polls it, or has just made progress."""
        state, worker = self.threads.known.get(key), self.workers.get(key)
        if any((span.pid, span.tid) == key for span in self.blocking):  # that blocks, in whatever state it is sampled
            return False
        if worker and worker.last_progress > self.at - BRISK:
            return True
        if state is None:
            return not self.threads.known
        return self.is_idle(state) or ("spin" in self.idle_calls and not state.kind and not state.stopped)

    def turned_at(self, since: int) -> int:
        """Return when (ns) a change that this sample reveals began: at the last report since `since`, else now."""
        progress = (worker.last_progress for worker in self.accepting)
        moments = (self.unblocked_at, *(span.begin for span in self.blocking), *progress)
        return max((moment for moment in moments if since - UNSURE <= moment <= self.at), default=self.at)

    @property
    def all_stay(self) -> bool:
        """Whether every accepting worker has a client of its own and one waits for it: then no thread is to blame."""
        accepting = self.accepting
        all_serve = accepting and not self.loops and all(worker.serving for worker in accepting)
        return bool(all_serve) and any(self.stays((worker.pid, worker.tid)) for worker in accepting)

    def _reads_from_one(self, worker: Worker) -> bool:
        """Return whether a worker waits in recv or send for the only connection that it serves."""
        state = self.threads.known.get((worker.pid, worker.tid))
        return bool(state and state.kind in ("recv", "send") and state.peer and len(worker.serving) == 1)

    def _is_busy(self, state: ThreadState | None) -> bool:
        return state is not None and not self.is_idle(state)
