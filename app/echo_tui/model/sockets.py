"""What samples of the kernel's sockets show: the accept queue, and connections with unread bytes."""

from collections.abc import Iterable, Iterator
from itertools import islice

from echo_tui.model.connection import Connection
from echo_tui.model.connections import Connections
from echo_tui.model.evidence import Socket
from echo_tui.model.observations import SocketSample

WANTED = 32
"""Connections that a sample describes although nothing waits in them; each costs a system call."""
UNREPORTED = WANTED // 2
"""How many of these may be connections without a `New` record; the others are found in the accept queue."""
LINGERS = 10_000_000_000
"""For this time (ns) after its `Bye` an accepted socket is the old one, not a new client with the same port."""


class Sockets:
    """The state kept between samples, and what the next sample must describe."""

    def __init__(self) -> None:
        self.changes = 0
        """A counter that changes whenever a sample has changed something."""
        self.asked: set[int] = set()
        """Connections without a `New` record that the next sample must describe."""
        self._asked_last = 0
        self._missed: set[int] = set()
        """Those of `asked` that the kernel did not know at the last sample."""
        self._unreported: dict[str, int] = {}
        """Accepted connections without a `New` record yet, with the time they were first seen (ns)."""
        self.with_bytes: set[int] = set()
        self._unechoed: set[int] = set()
        """Connections with bytes that were read and not written back at the last sample."""

    def changed(self) -> None:
        """Note that something has changed."""
        self.changes += 1

    def reused(self, o: SocketSample, connections: Connections) -> Iterator[tuple[Connection, int]]:
        """Yield connections whose port belongs to a new client, and since when (ns).

        A socket that was not accepted is not the accepted one with the same port, so that one has left.
        """
        for socket in o.sockets:
            before = None if socket.accepted else connections.by_peer.get(socket.peer)
            if before and 0 < before.accepted_at < o.at:
                yield before, arrival(o, socket)

    def newcomers(self, o: SocketSample, connections: Connections, silent: bool) -> Iterator[tuple[str, int]]:
        """Yield the addresses of unknown clients, and since when (ns) they have been connected.

        `silent` says whether the server may have accepted a connection without being able to report it.
        """
        unknown = [socket for socket in o.sockets if socket.peer not in connections.by_peer]
        if unknown:
            over = {c.peer: c.closed_at for c in connections.closed if c.closed_at > o.at - LINGERS}
            # A connection that ended after this sample has a `Bye`, which a server sends before it closes the socket.
            unknown = [s for s in unknown if s.peer not in over or not (s.accepted or over[s.peer] > o.at)]
        before = self._unreported
        accepted = [socket for socket in unknown if socket.accepted] if silent else []
        self._unreported = {socket.peer: before.get(socket.peer, arrival(o, socket)) for socket in accepted}
        for socket in unknown:
            if not socket.accepted or socket.peer in before:  # seen twice, so that no record of it is under way
                yield socket.peer, before.get(socket.peer, arrival(o, socket))

    def gone(self, o: SocketSample, connections: Connections) -> list[Connection]:
        """Return the connections that have left the accept queue without being accepted.

        A sample has an accepted and idle socket only if it was asked for. So a connection is gone once it was asked for
        twice in vain; those missed once come first, then the others in turn.
        """
        there = {socket.peer for socket in o.sockets}
        waiting = [c for c in connections.values() if not c.accepted_at and c.client is None]
        gone = [c for c in waiting if c.peer not in there and (c.left_at or c.number in self.asked)]
        missed, self._missed = self._missed, {connection.number for connection in gone}
        over = [connection for connection in gone if connection.number in missed]
        to_ask = [c for c in waiting if not c.left_at and c.number not in missed]
        to_ask.sort(key=lambda c: (c.number not in self._missed, c.number <= self._asked_last, c.number))
        asked = [connection.number for connection in to_ask[:UNREPORTED]]
        self.asked, self._asked_last = set(asked), asked[-1] if asked else 0
        return over

    def note_bytes(self, o: SocketSample, connections: Connections) -> list[tuple[Connection, int]]:
        """Note unread and unsent bytes; a connection that had some and is not in the sample has none left.

        Return the connections of which all bytes are read and written back, and when (ns) the last ones were sent.
        """
        before, self.with_bytes = self.with_bytes, set()
        for socket in o.sockets:
            connection = connections.by_peer.get(socket.peer)
            if connection and (socket.unread or socket.unsent):
                self.with_bytes.add(connection.number)
                self.changes += (connection.unread, connection.unsent) != (socket.unread, socket.unsent)
                connection.has_waiting(socket.unread, socket.unsent, o.at, _came_at(o, socket))
        for number in before - self.with_bytes:
            if emptied := connections.get(number):
                emptied.has_waiting(0, 0, o.at)
                self.changes += 1
        before, self._unechoed = self._unechoed, set()
        settled: list[tuple[Connection, int]] = []
        for socket in o.sockets:
            connection = connections.by_peer.get(socket.peer) if socket.received is not None else None
            if connection and self._note_received(connection, socket, o):
                settled.append((connection, o.at - (socket.silent or 0) * 1_000_000))
        for number in before - self._unechoed:
            if echoed := connections.get(number):
                echoed.is_echoed()
                self.changes += 1
        return settled

    def _note_received(self, connection: Connection, socket: Socket, o: SocketSample) -> bool:
        received = socket.received or 0
        connection.has_received(received, arrival(o, socket))
        settled = False
        if socket.written is not None:
            settled = connection.has_written(received, socket.written, arrival(o, socket), o.at)
        if connection.unechoed_since:
            self.changes += connection.number not in self._unechoed
            self._unechoed.add(connection.number)
        return settled

    def unavailable(self, at: int, connections: Connections) -> None:
        """Forget the last sample: there are no more samples."""
        for number in self.with_bytes:
            if connection := connections.get(number):
                connection.has_waiting(0, 0, at)
        self.with_bytes = set()

    def unread(self, connections: Connections) -> Iterable[Connection]:
        """Yield the accepted connections with unread bytes, the oldest first."""
        those = (c for number in sorted(self.with_bytes) if (c := connections.get(number)))
        return (c for c in those if c.unread and c.accepted_at and not c.left_at)

    def unechoed(self, connections: Connections) -> list[Connection]:
        """Return the connections with bytes that were read and not written back at the last sample."""
        return [c for number in self._unechoed if (c := connections.get(number))]

    def renewed(self, connections: Connections) -> Iterable[Connection]:
        """Yield connections that had unread bytes and were read from since: their unread bytes are newer."""
        with_bytes = (c for number in self.with_bytes if (c := connections.get(number)))
        return islice((c for c in with_bytes if c.read_at >= c.unread_at), WANTED)

    def snapshot(self) -> "Sockets":
        """Return a copy that no longer changes."""
        twin = Sockets()
        twin.changes, twin.asked, twin._asked_last = self.changes, self.asked.copy(), self._asked_last
        twin._missed, twin._unreported = self._missed.copy(), self._unreported.copy()
        twin.with_bytes, twin._unechoed = self.with_bytes.copy(), self._unechoed.copy()
        return twin


def arrival(o: SocketSample, socket: Socket) -> int:
    """Return when (ns) the last bytes of a connection arrived, or the time of the sample where that is unknown."""
    return o.at - (socket.idle or 0) * 1_000_000


def _came_at(o: SocketSample, socket: Socket) -> int | None:
    return None if socket.idle is None else o.at - socket.idle * 1_000_000
