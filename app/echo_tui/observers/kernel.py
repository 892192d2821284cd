"""All external evidence of a server, each kind sampled at its own interval."""

import os
import time
from collections.abc import Collection, Sequence

from echo_tui.model.evidence import LISTENER
from echo_tui.model.observations import Observation, Unavailable
from echo_tui.observers.foreign_stacks import ForeignStacks
from echo_tui.observers.sockets import SocketSampler
from echo_tui.observers.stacks import Stacks, answers
from echo_tui.observers.targets import owners_of
from echo_tui.observers.threads import ThreadSampler

URGENT = 200_000_000
"""The minimum time (ns) between two requests for the stacks of a process that seems to stall."""
FOREIGN = 300_000_000
"""The same for a process without our handler."""
PAUSING = 1_000_000_000
"""The same for a process that is paused while its stack is read."""
OWNED = 500_000_000
"""How long (ns) the owners of connections are cached."""
YOUNG = 2_000_000_000
"""How long (ns) a process may take to install its handler."""
LEISURELY = 1_000_000_000
"""The same for other processes, which are asked only when their calls have changed and no thread of theirs runs."""


class Kernel:
    """The sockets, threads and stacks of one server."""

    def __init__(self, stacks: Stacks | None, group: int | None) -> None:
        """`stacks` asks our own servers; None for a foreign one, which gets no signal. `group` is a process group.

        A process is asked only while it is in the group; None for a server whose processes share no group.
        """
        self.sockets = SocketSampler()
        self.threads = ThreadSampler(self.sockets.peer_of)
        self._stacks = stacks
        self._group = group
        self._foreign = ForeignStacks(self._end_of)
        self.may_pause = True
        """Whether a process may be paused briefly while its stack is read."""
        self._asked: dict[int, tuple[int, object]] = {}
        self._reported: set[str] = set()
        self._pids: Collection[int] = ()
        """The processes of the last sample."""
        self._owners: dict[str, int] = {}
        self._owned_at = 0
        self._began = time.monotonic_ns()

    def sample(
        self,
        pids: Collection[int],
        address: tuple[str, int] | None,
        peers: Collection[str] | None,
        wanted: Collection[str],
        others_than: Collection[str] | None = None,
        urgent: bool = False,
        first: Sequence[tuple[int, int]] = (),
    ) -> list[Observation]:
        """Return the due samples of these processes and of their listening address, which is None until they listen.

        `peers` are the known clients, None if there may be others. The sample describes the `wanted` clients although
        nothing waits in them, and finds accepted clients that are not in `others_than`. While it is `urgent`, sockets
        and threads are sampled more often. Of too many threads, `first` are sampled before others.
        """
        self._pids = pids
        stacks = (self._stacks.read() if self._stacks else None, self._foreign.read())
        found: list[Observation] = [sample for sample in stacks if sample]
        due = self.threads.pace.is_due(urgent)
        if due and (threads := self.threads.sample(pids, self._disturbed(), first, urgent)):
            found.append(threads)
        if address and (sockets := self.sockets.sample(address[1], address[0], peers, wanted, others_than, urgent)):
            found.append(sockets)  # the last one, because it is judged with the threads
        return found + self._missing()

    def owner_of(self, peer: str) -> int:
        """Return the process of the last sample that has a client's connection; 0 if unknown."""
        now = time.monotonic_ns()
        if now - self._owned_at >= OWNED:  # reading all descriptors for each new connection would cost too much
            inodes = self.sockets.inodes()
            holders = owners_of(inodes.values(), sorted(self._pids))
            self._owners = {peer: holders[inode] for peer, inode in inodes.items() if inode in holders}
            self._owned_at = now
        return self._owners.get(peer, 0)

    def close(self) -> None:
        """Close the descriptors."""
        self.sockets.close()
        self.threads.close()
        self._foreign.close()

    def ask(self, pids: Collection[int], suspects: Collection[int], keepers: Collection[tuple[int, int]] = ()) -> None:
        """Ask one process for its stacks if there is a reason to: a process of `suspects` first, then the others.

        Of several, the one not asked for the longest time is asked; the next sample has the answer. `keepers` are the
        threads that have reported that they keep the GIL, by `(pid, tid)`.
        """
        if (self._stacks and self._stacks.busy) or self._foreign.busy:
            return
        now = time.monotonic_ns()
        for pid in sorted(pids, key=lambda pid: (pid not in suspects, self._asked.get(pid, (0, None))[0])):
            if self._group is not None and not _is_in(pid, self._group):
                continue
            at, before = self._asked.get(pid, (0, None))
            calls = self.threads.calls(pid)
            if pid in suspects:
                foreign = PAUSING if self._foreign.pauses(pid) else FOREIGN
                worth = now - at >= (URGENT if self._stacks else foreign)
            else:  # a foreign process is asked on suspicion only
                worth = bool(self._stacks) and now - at >= LEISURELY and calls not in (before, None)
            if worth and self._asks(pid, keepers):
                self._asked[pid] = (now, calls)
                return

    def _end_of(self, inode: int) -> str:
        """Return the client of a connection, or that the socket listens; empty if neither is known."""
        return LISTENER if inode in self.threads.listening else self.sockets.peer_of(inode)

    def _disturbed(self) -> Collection[int]:
        return self._stacks.disturbed() if self._stacks else ()

    def _asks(self, pid: int, keepers: Collection[tuple[int, int]]) -> bool:
        """Return whether a process was asked for its stacks."""
        if self._stacks:
            return self._stacks.ask(pid, self.threads.to_ask(pid, keepers)) or self._asks_foreign(pid)
        return self._foreign.ask(pid, self.may_pause)

    def _asks_foreign(self, pid: int) -> bool:
        """Return whether py-spy was asked, which is done for a process that has run for a while and has no handler."""
        return time.monotonic_ns() - self._began > YOUNG and not answers(pid) and self._foreign.ask(pid)

    def _missing(self) -> list[Observation]:
        """Return the evidence that is unavailable here, once."""
        found: list[Observation] = []
        for what, why in (
            ("sockets", self.sockets.missing),
            ("threads", self.threads.missing),
            ("stacks", self._stacks.missing if self._stacks else self._foreign.missing),
        ):
            if why and what not in self._reported:
                self._reported.add(what)
                found.append(Unavailable(time.monotonic_ns(), what, why))
        return found


def _is_in(pid: int, group: int) -> bool:
    """Return whether a process is in the server's process group: its pid may have been reused."""
    try:
        return os.getpgid(pid) == group
    except OSError:
        return False
