"""Our own clients: what each has sent and received, by its own clock, and which connection it has."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from echo_tui.model.connection import Connection
from echo_tui.model.observations import ClientEcho, ClientLoad, ClientManners, ClientSent, Flooding
from echo_tui.model.table import Table


@dataclass(slots=True)
class Client:
    """One of our own clients, by its number."""

    number: int
    opening_since: int = 0
    connection: Connection | None = None
    ended: str = ""
    ended_about: str = ""
    """The address or number that `ended` is about."""
    reading: bool = True
    """Whether it reads what arrives."""
    sending: bool = True
    """Whether it has not closed its own side of the connection."""
    sent: int = 0
    echoed: int = 0
    last_sent: str = ""
    last_echo: str = ""
    last_size: int = 0
    rtt: int | None = None

    def has_sent(self, o: ClientSent) -> None:
        """Count a message."""
        self.sent += 1
        self.last_sent = o.head

    def has_echo(self, o: ClientEcho) -> None:
        """Count an echo."""
        self.echoed += 1
        self.last_echo, self.last_size, self.rtt = o.head, o.size, o.rtt

    def connects(self, connection: Connection) -> None:
        """Note which connection it has."""
        self.connection, self.ended = connection, ""


@dataclass(slots=True)
class FloodState:
    """Our silent connections that have no numbers: how many are left, and the addresses of those that got in."""

    count: int = 0
    peers: set[str] = field(default_factory=set)

    def snapshot(self) -> "FloodState":
        """Return a copy that no longer changes."""
        return FloodState(self.count, self.peers.copy())


class Clients(Table[int, Client]):
    """The clients of the client pane by number, and the flood."""

    def __init__(self) -> None:
        super().__init__()
        self.flood = FloodState()
        self.opening = 0
        """How many are connecting."""
        self.loads: dict[int, float] = {}
        """The messages a second that clients were asked to send, by their number."""

    def known(self, number: int) -> Client:
        """Return a client, added where it is new."""
        client = self._all.get(number)
        if client is None:
            client = self._all[number] = Client(number)
        return client

    def connected(self, number: int) -> Client | None:
        """Return a client that has, or had, a connection."""
        client = self._all.get(number)
        return client if client and client.connection else None

    def open(self, number: int, at: int) -> None:
        """Note that a client is connecting."""
        client = self.known(number)
        self.opening += not client.opening_since
        client.opening_since, client.connection, client.ended = at, None, ""
        client.reading = client.sending = True

    def opened(self, number: int) -> Client:
        """Note that a client no longer connects, and return it."""
        client = self.known(number)
        self.opening -= bool(client.opening_since)
        client.opening_since = 0
        return client

    def unconnected(self, number: int) -> None:
        """Note that a client has no connection at all."""
        self.known(number).connection = None

    def ended(self, number: int, how: str, about: str = "") -> Client:
        """Note that a client's end is closed, and return it."""
        client = self.opened(number)
        client.ended, client.ended_about = how, about
        return client

    def behaves(self, o: ClientManners) -> None:
        """Note whether a client reads, and whether it has closed its own side."""
        client = self.known(o.client)
        client.reading, client.sending = o.reading, o.sending

    def loaded(self, o: ClientLoad) -> None:
        """Note how many messages a second a client was asked to send."""
        self.loads.pop(o.client, None)
        if o.per_second > 0:
            self.loads[o.client] = o.per_second

    def flooding(self, o: Flooding) -> Iterable[str]:
        """Note how far a flood is. Return the addresses of its connections where it is over."""
        if not self.flood.count:
            self.flood.peers.clear()
        over = self.flood.count and not o.count
        self.flood.count = o.count
        self.flood.peers.update(o.connected)
        return self.flood.peers if over else ()

    def left_flood(self, peer: str) -> bool:
        """Forget an address: somebody else may get its port next. Return whether it was one of the flood's."""
        if peer not in self.flood.peers:
            return False
        self.flood.peers.discard(peer)
        return True

    def snapshot(self, copies: Mapping[int, Connection]) -> "Clients":
        """Return a copy that no longer changes, with these copies of the connections by the original's `id()`."""
        twin = Clients()
        for number, client in self._all.items():
            twin._all[number] = copied = copy.copy(client)
            if client.connection:
                copied.connection = copies.get(id(client.connection)) or client.connection.copy()
        twin.flood, twin.opening, twin.loads = self.flood.snapshot(), self.opening, self.loads.copy()
        return twin
