"""Blocking calls that the server has reported: running ones, those that wait for a helper, and the latest others."""

import copy
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from echo_tui.model.totals import PROCESSES_KEPT

BLOCKS_KEPT = 512
KEEPS_GIL = "c-gil"
"""The kind of blocking call that keeps the GIL, so that every thread of its process waits."""


@dataclass(slots=True)
class BlockSpan:
    """One blocking call: begun at `begin`, ended at `end` (0 while it lasts)."""

    begin: int
    kind: str
    seconds: float
    pid: int
    tid: int
    connection: int
    cooperative: bool
    stops_all: bool = False
    """Whether no worker was left that could have served anybody when it began."""
    end: int = 0
    by_helper: bool = False
    """Whether a helper makes it, to which it was handed."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A blocking call of a connection that waits, since `at` (ns), for one of so many helpers of its process."""

    at: int
    pid: int
    connection: int
    helpers: int


class Blocks:
    """The latest blocking calls; running ones by the connection's `(pid, conn)` and by the thread they block."""

    def __init__(self) -> None:
        self.spans: deque[BlockSpan] = deque(maxlen=BLOCKS_KEPT)
        self.running: dict[tuple[int, int], BlockSpan] = {}
        self.by_thread: dict[tuple[int, int], BlockSpan] = {}
        """Running calls that block a thread, by its `(pid, tid)`; cooperative ones block none."""
        self.handed: dict[tuple[int, int], Handover] = {}
        """Blocking calls that wait for a helper, by the connection's `(pid, conn)`."""
        self.helped_at: dict[int, int] = {}
        """When (ns) a helper last began such a call, by process."""
        self.ended_at = 0
        """When (ns) a blocking call last returned."""

    @property
    def keepers(self) -> Collection[tuple[int, int]]:
        """The threads that have entered a blocking call which keeps the GIL, by `(pid, tid)`."""
        return [thread for thread, span in self.by_thread.items() if span.kind == KEEPS_GIL]

    def affecting(self, pid: int, tid: int) -> BlockSpan | None:
        """Return the call that blocks a thread, or keeps the GIL from all threads of its process."""
        if span := self.by_thread.get((pid, tid)):
            return span
        return next((s for s in self.by_thread.values() if s.pid == pid and s.kind == KEEPS_GIL), None)

    @property
    def any(self) -> bool:
        """Whether a call runs, or waits for a helper."""
        return bool(self.running or self.handed)

    def lasts(self, now: int, threshold: int) -> bool:
        """Return whether any call that blocks a thread has lasted so long (ns)."""
        return any(now - span.begin >= threshold for span in self.by_thread.values())

    def hand_over(self, key: tuple[int, int], handover: Handover) -> None:
        """Note that a blocking call waits for a helper."""
        self.handed[key] = handover

    def begin(self, key: tuple[int, int], span: BlockSpan, workers: Collection[tuple[int, int]]) -> None:
        """Add a running call; the calls before it on its connection and its thread have been ended."""
        if self.handed.pop(key, None):
            span.by_helper = True
            if span.pid in self.helped_at or len(self.helped_at) < PROCESSES_KEPT:
                self.helped_at[span.pid] = max(self.helped_at.get(span.pid, 0), span.begin)
        self.running[key] = span
        if not span.cooperative:
            self.by_thread[span.pid, span.tid] = span
            span.stops_all = all(worker in self.by_thread for worker in workers)
        self.spans.append(span)

    def end(self, key: tuple[int, int], at: int) -> BlockSpan | None:
        """End a connection's running call. Return it, or None if there was none."""
        span = self.running.pop(key, None)
        if span is None:
            return None
        span.end = at
        self.ended_at = max(self.ended_at, at)
        if self.by_thread.get((span.pid, span.tid)) is span:
            del self.by_thread[span.pid, span.tid]
        return span

    def withdraw(self, key: tuple[int, int]) -> None:
        """Forget that a connection's call waits for a helper."""
        self.handed.pop(key, None)

    def of(self, pid: int) -> list[tuple[int, int]]:
        """Return the connections of a process, by `(pid, conn)`, whose calls run."""
        return [key for key in self.running if key[0] == pid]

    def records_lost(self, pid: int) -> None:
        """Forget the calls of a process that wait for a helper: their beginning may be among what was lost."""
        for key in [key for key in self.handed if key[0] == pid]:
            del self.handed[key]

    def process_gone(self, pid: int) -> None:
        """Forget when the helpers of a process worked."""
        self.helped_at.pop(pid, None)

    def server_gone(self) -> None:
        """Forget when helpers worked: the server has ended."""
        self.helped_at.clear()

    def snapshot(self) -> "Blocks":
        """Return a copy that no longer changes."""
        twin = Blocks()
        copies = {id(span): copy.copy(span) for span in (*self.spans, *self.running.values())}
        twin.spans = deque((copies[id(span)] for span in self.spans), maxlen=self.spans.maxlen)
        twin.running = {key: copies[id(span)] for key, span in self.running.items()}
        twin.by_thread = {key: copies[id(span)] for key, span in self.by_thread.items()}
        twin.handed, twin.helped_at, twin.ended_at = self.handed.copy(), self.helped_at.copy(), self.ended_at
        return twin
