"""What samples of the kernel's sockets show: who waits in the accept queue, and which connections have unread bytes."""

from collections.abc import Iterable, Iterator
from itertools import islice

from echo_tui.model.connection import Connection
from echo_tui.model.connections import Connections
from echo_tui.model.observations import Socket, SocketSample

WANTED = 32
"""Connections that a sample asks for though nothing waits in them: each costs a system call of its own."""
UNREPORTED = WANTED // 2
"""How many of these are connections that no record has accepted; the others are found in the accept queue."""
LINGERS = 10_000_000_000
"""For so long (ns) after its `Bye` an accepted socket is the old one, and no new client with its port."""


class Sockets:
    """What is remembered from one sample to the next, and what the next one has to ask for."""

    def __init__(self) -> None:
        self.changes = 0
        """Differs whenever a sample has changed something."""
        self.asked: set[int] = set()
        """Connections without a `New` record that the next sample asks for in any case."""
        self._asked_last = 0
        self._missed: set[int] = set()
        """Of these, those that the kernel did not know when it was asked last."""
        self._unreported: dict[str, int] = {}
        """Accepted connections without a `New` record at the last sample, and since when (ns)."""
        self.with_bytes: set[int] = set()
        self._unechoed: set[int] = set()
        """Connections whose bytes the server had read and not written back at the last sample."""

    def changed(self) -> None:
        """Note that something has changed."""
        self.changes += 1

    def reused(self, o: SocketSample, connections: Connections) -> Iterator[tuple[Connection, int]]:
        """Give connections whose port belongs to a new client now, and since when (ns).

        A socket that nobody has accepted is not the one that was accepted before with its port: that one has left.
        """
        for socket in o.sockets:
            before = None if socket.accepted else connections.by_peer.get(socket.peer)
            if before and 0 < before.accepted_at < o.at:
                yield before, arrival(o, socket)

    def newcomers(self, o: SocketSample, connections: Connections, silent: bool) -> Iterator[tuple[str, int]]:
        """Give the addresses of clients that nothing was known of, and since when (ns) they are there.

        `silent` says whether the server may have accepted somebody without being able to report it.
        """
        unknown = [socket for socket in o.sockets if socket.peer not in connections.by_peer]
        if unknown:
            over = {c.peer: c.closed_at for c in connections.closed if c.closed_at > o.at - LINGERS}
            # A connection that ended after this sample has a `Bye`; and a server sends it before it closes the socket.
            unknown = [s for s in unknown if s.peer not in over or not (s.accepted or over[s.peer] > o.at)]
        before = self._unreported
        accepted = [socket for socket in unknown if socket.accepted] if silent else []
        self._unreported = {socket.peer: before.get(socket.peer, arrival(o, socket)) for socket in accepted}
        for socket in unknown:
            if not socket.accepted or socket.peer in before:  # seen twice: not just accepted and not reported yet
                yield socket.peer, before.get(socket.peer, arrival(o, socket))

    def gone(self, o: SocketSample, connections: Connections) -> list[Connection]:
        """Return the connections that have left the accept queue without being accepted.

        An accepted and idle socket is only in a sample that has asked for it. So only connections are gone that were
        asked for twice; those missed once come first, and then all the others in turn.
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
        """Note which connections have unread or unsent bytes; those that had some and are not named have none left.

        Return those of which all bytes are read and written back, and when (ns) the last ones were sent.
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
        """Forget what the last sample showed: there are no more samples."""
        for number in self.with_bytes:
            if connection := connections.get(number):
                connection.has_waiting(0, 0, at)
        self.with_bytes = set()

    def unread(self, connections: Connections) -> Iterable[Connection]:
        """Give the accepted connections with bytes that the server has not read, the oldest first."""
        those = (c for number in sorted(self.with_bytes) if (c := connections.get(number)))
        return (c for c in those if c.unread and c.accepted_at and not c.left_at)

    def unechoed(self, connections: Connections) -> list[Connection]:
        """Return the connections whose bytes the server had read and not written back at the last sample."""
        return [c for number in self._unechoed if (c := connections.get(number))]

    def renewed(self, connections: Connections) -> Iterable[Connection]:
        """Give connections that had unread bytes and were read from since: what is unread in them now is newer."""
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
