"""The evidence of one moment, as the diagnosis is given it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from echo_tui.model.blocks import BlockSpan, Handover
from echo_tui.model.connection import Connection
from echo_tui.model.threads import Threads, ThreadState
from echo_tui.model.workers import Worker

BRISK = 100_000_000
"""Who has taken something within this time (ns) serves its client, whatever it is seen to do at a look."""
UNSURE = BRISK + 150_000_000
"""For so long (ns) before a look that shows nothing new it may have turned: looks are up to 100 ms apart."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is judged: who waits at a moment, who could take it, and what the kernel shows of them."""

    at: int
    unread: list[Connection]
    queued: list[Connection]
    """Those that nobody has accepted, or said so."""
    unanswered: list[str]
    workers: Mapping[tuple[int, int], Worker]
    threads: Threads
    connections: Mapping[int, Connection]
    blocking: Iterable[BlockSpan]
    elsewhere: Collection[int]
    """Connections whose own blocking call is made by a helper, so that no worker of theirs is held."""
    idle_calls: tuple[str, ...]
    accepted_at: int
    """When anybody was last accepted (ns)."""
    ended_progress: dict[int, int]
    """When (ns) those threads of a process that have ended last took anything."""
    handed: Collection[Handover] = ()
    """Blocking calls that wait for a helper."""
    helped: Mapping[int, int] = field(default_factory=dict)
    """How many calls helpers make now, by process."""
    helped_at: Mapping[int, int] = field(default_factory=dict)
    """When (ns) a helper last began such a call, by process."""
    starved: bool = False
    """Whether a process has no descriptor for the next client."""
    unblocked_at: int = 0
    """When (ns) a blocking call last returned."""

    @property
    def loops(self) -> bool:
        """Whether a worker serves many clients at a time, so that to accept is part of the same turn."""
        return "poll" in self.idle_calls

    def helpers_are_taken(self, handover: Handover) -> bool:
        """Whether all helpers that a call waits for are in calls of others."""
        return self.helped.get(handover.pid, 0) >= handover.helpers

    @property
    def accepting(self) -> list[Worker]:
        """Those that accept, as far as the server has said so."""
        return [worker for worker in self.workers.values() if worker.announced]

    @property
    def busy(self) -> list[tuple[int, int]]:
        """Those that accept and are not at rest, the one first that has taken nothing for longest."""
        busy = [worker for worker in self.accepting if self._is_busy(self.threads.known.get((worker.pid, worker.tid)))]
        return [(worker.pid, worker.tid) for worker in sorted(busy, key=lambda worker: worker.last_progress)]

    def is_idle(self, state: ThreadState) -> bool:
        """Whether a thread waits where its next work would wake it; one that is stopped only looks like it."""
        return (
            state.kind in self.idle_calls and not state.stopped and (state.kind != "poll" or state.call == state.home)
        )

    def stays(self, key: tuple[int, int]) -> bool:
        """Whether a worker waits for its own client, asks again and again, or has just taken something of it."""
        state, worker = self.threads.known.get(key), self.workers.get(key)
        if any((span.pid, span.tid) == key for span in self.blocking):  # it may do so in any state
            return False
        if worker and worker.last_progress > self.at - BRISK:
            return True
        if state is None:
            return not self.threads.known
        return self.is_idle(state) or ("spin" in self.idle_calls and not state.kind and not state.stopped)

    def turned_at(self, since: int) -> int:
        """When (ns) it turned, after a look that showed nothing new: with what its threads said last, or else now."""
        takes = (worker.last_progress for worker in self.accepting)
        moments = (self.unblocked_at, *(span.begin for span in self.blocking), *takes)
        return max((moment for moment in moments if since - UNSURE <= moment <= self.at), default=self.at)

    @property
    def all_stay(self) -> bool:
        """Whether whoever accepts has a client of its own, and one of them waits for it: nobody is to blame then."""
        accepting = self.accepting
        all_serve = accepting and not self.loops and all(worker.serving for worker in accepting)
        return bool(all_serve) and any(self.stays((worker.pid, worker.tid)) for worker in accepting)

    def _is_busy(self, state: ThreadState | None) -> bool:
        return state is not None and not self.is_idle(state)
