"""What our own clients do and feel, joined with the connections by the client's address."""

from app.session.connection import SECOND, Connection, State
from app.session.log import Log
from app.session.observations import (
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientManners,
    ClientOpening,
    ClientSent,
    ClientsLost,
    ClientUnconnected,
    Flooding,
)
from app.session.parts import Client, Flood, ServerState, Totals
from app.session.roster import Roster


class OurClients(Roster):
    """The clients of the client pane, and which connection each of them has."""

    def __init__(self) -> None:
        super().__init__()
        self.server: ServerState | None = None
        self.totals = Totals()
        self.log = Log()
        self.clients: dict[int, Client] = {}
        self.flood = Flood()
        self.opening = 0

    def _retire(self, connection: Connection, at: int, error: str) -> None:
        super()._retire(connection, at, error)
        connection.flooded = connection.peer in self.flood.peers
        self.flood.peers.discard(connection.peer)  # somebody else may get that port next

    def is_external(self, connection: Connection, now: int) -> bool | None:
        """Whether a connection is not one of our clients'; None while one of ours could still turn out to be it."""
        if connection.client is not None:
            return False
        return None if self.opening and now - connection.opened_at < SECOND else True

    def _clients_lost(self, o: ClientsLost) -> None:
        self.totals.clients_lost += o.records
        for connection in self.connections.values():  # an echo may be among what was lost
            connection.sent_since = 0
        self.log.add(o)

    def _client_unconnected(self, o: ClientUnconnected) -> None:
        self.totals.client_records += 1
        client = self.clients.setdefault(o.client, Client(o.client))
        self._opened(client)
        self._left(client, o.at, o.why)
        client.connection = None

    def _client_opening(self, o: ClientOpening) -> None:
        self.totals.client_records += 1
        client = self.clients.setdefault(o.client, Client(o.client))
        if not client.opening_since:
            self.opening += 1
        client.opening_since, client.connection, client.ended = o.at, None, ""
        client.reading = client.sending = True

    def _client_connected(self, o: ClientConnected) -> None:
        self.totals.client_records += 1
        client = self.clients.setdefault(o.client, Client(o.client))
        self._opened(client)
        connection = self._by_peer.get(o.address) or self._over_already(o)
        if connection is None or connection.left_at:
            connection = self._open(o.address, o.at)
        if o.at < connection.opened_at:
            connection.opened_at = o.at
            connection.remember(o.at, connection.accepted_at, State.QUEUED)
        connection.client = o.client
        client.connection, client.ended = connection, ""

    def _over_already(self, o: ClientConnected) -> Connection | None:
        """The connection that the server has closed before we heard of its beginning, if that is so."""
        those = (c for c in self.closed if c.peer == o.address and c.accepted_at and c.client is None)
        return next((connection for connection in those if connection.closed_at >= o.at), None)

    def _client_manners(self, o: ClientManners) -> None:
        self.totals.client_records += 1
        client = self.clients.setdefault(o.client, Client(o.client))
        client.reading, client.sending = o.reading, o.sending

    def _flooding(self, o: Flooding) -> None:
        self.totals.client_records += 1
        if not self.flood.count:
            self.flood.peers.clear()
        over = self.flood.count and not o.count
        self.flood.count = o.count
        self.flood.peers.update(o.connected)
        for peer in self.flood.peers if over else ():
            if connection := self._by_peer.get(peer):
                connection.leave(o.at, "closed")

    def _client_sent(self, o: ClientSent) -> None:
        self.totals.client_records += 1
        client = self.clients.get(o.client)
        if client is None or client.connection is None:
            return
        client.sent += 1
        client.last_sent = o.head
        if not client.connection.sent_since:
            client.connection.sent_since = o.at

    def _client_echo(self, o: ClientEcho) -> None:
        client = self.clients.get(o.client)
        if client is None or client.connection is None:
            return
        connection = client.connection
        self.totals.client_records += 1
        self.totals.echoes += 1
        client.echoed += 1
        client.last_echo, client.last_size, client.rtt = o.head, o.size, o.rtt
        connection.rtt = o.rtt
        connection.rtt_max = max(connection.rtt_max or 0, o.rtt)
        connection.echoed(o.at, o.at - o.rtt)
        connection.sent_since = o.waiting_since
        if not o.waiting_since:
            connection.has_all(o.at)
        if not o.intact:
            self.totals.spoiled += 1
            connection.spoiled += 1

    def _client_closed(self, o: ClientClosed) -> None:
        self.totals.client_records += 1
        client = self.clients.get(o.client)
        if client is None:
            return
        self._opened(client)
        self._left(client, o.at, o.how)

    def _left(self, client: Client, at: int, how: str) -> None:
        """The client's end is closed; where the server has ended nobody will say it of the other one."""
        client.ended = how
        connection = client.connection
        if connection and not (connection.closed_at or connection.left_at):
            connection.leave(at, how)
            if self.server and not self.server.running:
                self._retire(connection, at, how)

    def _opened(self, client: Client) -> None:
        if client.opening_since:
            self.opening -= 1
        client.opening_since = 0
