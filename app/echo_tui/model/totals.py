"""Exact counts of one run."""

from dataclasses import dataclass, field, replace

from echo_servers.records import Lost, Wakes

from echo_tui.model.observations import Garbled

PROCESSES_KEPT = 200
"""Processes remembered, including those that have ended."""


@dataclass(slots=True)
class Totals:
    """Exact counts of what the server did, including records that were lost one by one.

    `events` counts records of the server, `client_records` those of our clients.
    """

    new: int = 0
    bye: int = 0
    refused: int = 0
    """Connections that the server closed at once, because it can't serve them."""
    wakes_in_vain: int | None = None
    """Wakes of loops for a connection that another loop had accepted; None if nobody counts them."""
    recv: int = 0
    recv_bytes: int = 0
    send: int = 0
    send_bytes: int = 0
    lost: int = 0
    garbled: int = 0
    events: int = 0
    echoes: int = 0
    spoiled: int = 0
    client_records: int = 0
    clients_lost: int = 0
    lost_at: dict[int, int] = field(default_factory=dict)
    """When (ns) each process last reported a loss of records."""

    @property
    def wakes_each(self) -> float | None:
        """How many loops a connection wakes on average; None if that is not counted, or nobody has connected."""
        if self.wakes_in_vain is None or not self.new:
            return None
        return (self.new + self.wakes_in_vain) / self.new

    def accepted(self) -> None:
        """Count a `New` record."""
        self.new += 1
        self.events += 1

    def received(self, size: int) -> None:
        """Count a `Recv` record."""
        self.events += 1
        self.recv += 1
        self.recv_bytes += size

    def returned(self, size: int) -> None:
        """Count a `Send` record."""
        self.events += 1
        self.send += 1
        self.send_bytes += size

    def echoed(self, size: int) -> None:
        """Count an `Echo` record: a message received and returned."""
        self.events += 2
        self.recv += 1
        self.recv_bytes += size
        self.send += 1
        self.send_bytes += size

    def counted(self, echoes: int, size: int) -> None:
        """Count echoes without a record, of so many bytes in all."""
        self.events += 2 * echoes
        self.recv += echoes
        self.recv_bytes += size
        self.send += echoes
        self.send_bytes += size

    def closed(self, refused: bool) -> None:
        """Count a `Bye` record."""
        self.events += 1
        self.bye += 1
        self.refused += refused

    def reported(self) -> None:
        """Count any other record of the server."""
        self.events += 1

    def client_reported(self) -> None:
        """Count a record of our clients."""
        self.client_records += 1

    def client_echoed(self, intact: bool) -> None:
        """Count an echo that one of our clients has."""
        self.client_records += 1
        self.echoes += 1
        self.spoiled += not intact

    def lose_client_records(self, count: int) -> None:
        """Count records of our clients that were lost."""
        self.clients_lost += count

    def add_lost(self, o: Lost) -> None:
        """Add the totals of records that were lost."""
        self.lost += o.events
        self.new += o.new
        self.bye += o.bye
        self.recv += o.recv
        self.recv_bytes += o.recv_bytes
        self.send += o.send
        self.send_bytes += o.send_bytes
        if o.wakes:
            self.wakes_in_vain = (self.wakes_in_vain or 0) + o.wakes
        self.lost_at[o.pid] = max(self.lost_at.get(o.pid, 0), o.at)

    def add_wakes(self, o: Wakes, by_us: int) -> None:
        """Add wakes in vain, except those that sampling has caused itself."""
        self.events += 1
        self.wakes_in_vain = (self.wakes_in_vain or 0) + max(o.in_vain - by_us, 0)

    def add_garbled(self, o: Garbled) -> None:
        """Add lines of the pipe that are no records."""
        self.garbled += o.lines

    def process_gone(self, pid: int) -> None:
        """Forget when a process lost records: its pid may be another's next."""
        self.lost_at.pop(pid, None)

    def snapshot(self) -> "Totals":
        """Return a copy that no longer changes."""
        return replace(self, lost_at=self.lost_at.copy())
