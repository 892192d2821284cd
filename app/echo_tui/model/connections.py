"""All connections: by number, by the server's `(pid, conn)`, and by the client's address."""

from collections import deque
from collections.abc import Collection

from echo_tui.model.connection import Connection
from echo_tui.model.table import Table

CLOSED_KEPT = 512
"""Closed connections remembered, the latest ones."""
OPEN_KEPT = 20_000
"""Connections believed to be open; of more than that the records of their closing must have been lost."""
UNKNOWN_PEER = "?"
"""The peer of a connection whose `New` record was lost."""


class Connections(Table[int, Connection]):
    """The open connections by number, and the latest closed ones."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: deque[Connection] = deque(maxlen=CLOSED_KEPT)
        self.by_key: dict[tuple[int, int], Connection] = {}
        self.by_peer: dict[str, Connection] = {}
        self.total = 0
        """The number of connections so far, which is the number of the latest."""
        self.accepted_at = 0
        """When (ns) the server last accepted a connection."""

    @property
    def peers(self) -> Collection[str]:
        """The addresses of all known clients, accepted or not."""
        return self.by_peer.keys()

    @property
    def surplus(self) -> Connection | None:
        """The connection to close before another one can be opened; None while there is room."""
        return next(iter(self._all.values())) if len(self._all) >= OPEN_KEPT else None

    def open(self, peer: str, at: int) -> Connection:
        """Add a connection that was not known before, and return it."""
        self.total += 1
        connection = Connection(self.total, peer, at)
        self._all[connection.number] = self.by_peer[peer] = connection
        return connection

    def accept(self, connection: Connection, at: int, key: tuple[int, int]) -> None:
        """Note that the server has accepted a connection, and its `(pid, conn)`."""
        connection.accepted(at, key)
        self.by_key[key] = connection

    def any_accepted(self, at: int) -> None:
        """Note when a connection was accepted; records that a full pipe has delayed come late."""
        if at > self.accepted_at:
            self.accepted_at = at

    def close(self, connection: Connection, at: int, error: str) -> None:
        """Move a connection to the closed ones."""
        connection.close(at, error)
        self._all.pop(connection.number, None)
        self.closed.append(connection)
        if connection.key:
            self.by_key.pop(connection.key, None)
        if self.by_peer.get(connection.peer) is connection:
            del self.by_peer[connection.peer]

    def closed_early(self, peer: str, at: int) -> Connection | None:
        """Return the connection that the server closed, after `at`, before its client's opening was known."""
        those = (c for c in self.closed if c.peer == peer and c.accepted_at and c.client is None)
        return next((connection for connection in those if connection.closed_at >= at), None)

    def snapshot(self) -> tuple["Connections", dict[int, Connection]]:
        """Return a copy that no longer changes, and its connections by the `id()` of the original."""
        twin = Connections()
        copies = {id(c): c.copy() for c in (*self._all.values(), *self.closed)}
        twin._all = {number: copies[id(c)] for number, c in self._all.items()}
        twin.closed = deque((copies[id(c)] for c in self.closed), maxlen=self.closed.maxlen)
        twin.by_peer = {peer: copies[id(c)] for peer, c in self.by_peer.items()}
        twin.by_key = {key: copies[id(c)] for key, c in self.by_key.items()}
        twin.total, twin.accepted_at = self.total, self.accepted_at
        return twin, copies
