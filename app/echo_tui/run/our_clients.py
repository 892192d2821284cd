"""Our clients in a run: their numbers and loads, which of them wait for a server, and their process."""

import os
import time
from collections.abc import Iterable

from echo_servers.server import BACKLOG

from echo_tui.clients.remote import ClientProcess
from echo_tui.model.endings import Ending
from echo_tui.model.observations import ClientLoad, ClientUnconnected, Flooding, Observation, Receiver
from echo_tui.observers.pipe import LinePipe, decode

FLOOD, FLOOD_SECONDS = BACKLOG + 72, 60.0
"""Connections of a flood, more than the accept queue holds, and its maximum duration (s)."""
REVIVAL = 1.0
"""The minimum seconds between two starts of the client process."""
Address = tuple[str, int]


class OurClients:
    """The clients of a run, which outlive its servers. They connect only to an address that is passed to them."""

    def __init__(self, fold: Receiver) -> None:
        self._fold = fold
        self._begin()
        self._last = 0
        self._loads: dict[int, tuple[float, int]] = {}
        """The requested load of each client: messages per second and their size. It outlives a server."""
        self._wanted: list[int] = []
        """Clients that were opened and wait for a server."""

    def _begin(self) -> None:
        self.process = ClientProcess()
        self._began = time.monotonic()
        self._pipe = LinePipe(os.dup(self.process.fd))

    @property
    def count(self) -> int:
        """The number of clients opened so far, closed ones included."""
        return self._last

    def open(self, count: int, address: Address | None, why_not: str) -> list[int]:
        """Open more clients and return their numbers; without an address they wait for the next server."""
        numbers = list(range(self._last + 1, self._last + count + 1))
        self._last += count
        if address:
            self.process.open(numbers, *address)
        else:
            self._wanted += numbers
            self.unconnected(numbers, why_not)
        return numbers

    def close(self, clients: list[int], reset: bool) -> None:
        """Close clients in order or by a reset; an empty list means all."""
        self.process.close(clients, reset)
        unopened = [number for number in self._wanted if not clients or number in clients]
        self._wanted = [number for number in self._wanted if number not in unopened]
        self.unconnected(unopened, Ending.CLOSED)
        self._loaded(clients or list(self._loads), 0, 0)

    def load(self, clients: list[int], per_second: float, size: int, everybody: Iterable[int]) -> None:
        """Let clients send this many messages of this size per second; 0 stops them. An empty list means all."""
        self.process.chatter(clients, per_second, size)
        self._loaded(clients or list(everybody), per_second, size)

    def repeat_loads(self) -> None:
        """Report the loads of all clients to a new session."""
        at = time.monotonic_ns()
        self._fold([ClientLoad(at, number, *load) for number, load in self._loads.items()])

    def _loaded(self, clients: Iterable[int], per_second: float, size: int) -> None:
        at, changed = time.monotonic_ns(), list[Observation]()
        for number in clients:
            if self._loads.pop(number, None) or per_second:
                changed.append(ClientLoad(at, number, per_second, size))
            if per_second:
                self._loads[number] = (per_second, size)
        self._fold(changed)

    def reconnect(self, address: Address) -> None:
        """Connect all clients that were not closed on purpose, and those that wait for a server."""
        self.process.reopen(*address)
        self._open_wanted(address)

    def stop_connecting(self) -> None:
        """Connect no client until the next server listens."""
        self.process.stop_connecting(Ending.SERVER_ENDED)
        self.unconnected(self._wanted, Ending.SERVER_ENDED)

    def unconnected(self, clients: Iterable[int], why: str) -> None:
        """Report that these clients have no connection."""
        at = time.monotonic_ns()
        self._fold([ClientUnconnected(at, number, why) for number in clients])

    def drain(self, until: float, since: int) -> int:
        """Fold what the client process reports, up to a time (s). Return the number of observations.

        Observations from before `since` (ns) belong to the previous server.
        """
        self.process.flush()
        count = 0
        while found := decode(self._pipe.read()):
            found = [o for o in found if o.at >= since]
            self._fold(found)
            count += len(found)
            if time.monotonic() > until:
                break
        return count

    @property
    def died(self) -> bool:
        """Whether the client process has ended by itself, and not just after its start."""
        return not self.process.running and time.monotonic() - self._began > REVIVAL

    def revive(self, present: list[int], address: Address | None) -> None:
        """Start a new client process for the clients of one that has died, and report it."""
        self.unconnected(present, Ending.PROCESS_DIED)
        self._fold([Flooding(time.monotonic_ns(), 0, [])])
        self.end()
        self._begin()
        self._loaded(list(self._loads), 0, 0)
        self._wanted = [*present, *(number for number in self._wanted if number not in present)]
        if address:
            self._open_wanted(address)

    def end(self) -> None:
        """End the client process."""
        self.process.stop()
        self._pipe.close()

    def _open_wanted(self, address: Address) -> None:
        if self._wanted:  # an empty list would mean all clients
            self.process.open(self._wanted, *address)
            self._wanted = []
