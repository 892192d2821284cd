"""Everything that is seen of a server from outside, at the pace that each kind of evidence can bear."""

import os
import time
from collections.abc import Collection, Sequence

from echo_tui.model.observations import Observation, Unavailable
from echo_tui.observers.py_spy import PySpy
from echo_tui.observers.sockets import Sockets
from echo_tui.observers.stacks import Stacks, answers
from echo_tui.observers.threads import Threads

URGENT = 200_000_000
"""The least time (ns) between two looks at the stacks of a process that seems to stall."""
YOUNG = 2_000_000_000
"""For so long (ns) a process may still be about to install its handler."""
LEISURELY = 1_000_000_000
"""And of one that does not: only where its threads do something else than before, and while none of them runs."""


class Kernel:
    """The sockets, threads and stacks of one server."""

    def __init__(self, stacks: Stacks, group: int) -> None:
        self.sockets = Sockets()
        self.threads = Threads(self.sockets.peer_of)
        self._stacks = stacks
        self._group = group
        self._py_spy = PySpy()
        self._asked: dict[int, tuple[int, object]] = {}
        self._told: set[str] = set()
        self._began = time.monotonic_ns()

    def look(
        self,
        pids: Collection[int],
        address: tuple[str, int] | None,
        peers: Collection[str] | None,
        wanted: Collection[str],
        others_than: Collection[str] | None = None,
        urgent: bool = False,
        first: Sequence[tuple[int, int]] = (),
    ) -> list[Observation]:
        """What is to be seen now of these processes, and at the address that they listen on, if they do yet.

        `peers` are those that are known to be connected there, None if there may be others; of those `wanted` it is
        told too that they are, and of those that are `others_than` the ones that are known. While it is `urgent`,
        sockets and threads are sampled more often. Of too many threads `first` are sampled before others.
        """
        stacks = (self._stacks.read(), self._py_spy.read())
        found: list[Observation] = [sample for sample in stacks if sample]
        due = self.threads.pace.is_due(urgent)
        if due and (threads := self.threads.sample(pids, self._stacks.disturbed(), first, urgent)):
            found.append(threads)
        if address and (sockets := self.sockets.sample(address[1], address[0], peers, wanted, others_than, urgent)):
            found.append(sockets)  # the last one: it is judged by what the threads do
        return found + self._missing()

    def close(self) -> None:
        """Give the descriptors back."""
        self.sockets.close()
        self.threads.close()
        self._py_spy.close()

    def ask(self, pids: Collection[int], suspects: Collection[int], keepers: Collection[tuple[int, int]] = ()) -> None:
        """Ask one process for its stacks, if there is reason to: `suspects`, which seem to stall, and then the others.

        Of several it is whoever was asked longest ago; the next look has the answer. `keepers` are the threads that
        keep the GIL, by `(pid, tid)`, as far as they have said so.
        """
        if self._stacks.busy or self._py_spy.busy:
            return
        now = time.monotonic_ns()
        for pid in sorted(pids, key=lambda pid: (pid not in suspects, self._asked.get(pid, (0, None))[0])):
            if not _is_in(pid, self._group):
                continue
            at, before = self._asked.get(pid, (0, None))
            calls = self.threads.calls(pid)
            worth = now - at >= URGENT if pid in suspects else now - at >= LEISURELY and calls not in (before, None)
            if worth and (self._stacks.ask(pid, self.threads.to_ask(pid, keepers)) or self._asks_py_spy(pid)):
                self._asked[pid] = (now, calls)
                return

    def _asks_py_spy(self, pid: int) -> bool:
        """Whether py-spy has been asked, as it is of a process that has no handler and has long begun."""
        return time.monotonic_ns() - self._began > YOUNG and not answers(pid) and self._py_spy.ask(pid)

    def _missing(self) -> list[Observation]:
        """What can't be seen here, said once."""
        found: list[Observation] = []
        for what, why in (
            ("sockets", self.sockets.missing),
            ("threads", self.threads.missing),
            ("stacks", self._stacks.missing),
        ):
            if why and what not in self._told:
                self._told.add(what)
                found.append(Unavailable(time.monotonic_ns(), what, why))
        return found


def _is_in(pid: int, group: int) -> bool:
    """Whether a process is of the server's process group: a number may have been given to somebody else since."""
    try:
        return os.getpgid(pid) == group
    except OSError:
        return False
