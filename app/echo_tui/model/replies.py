"""Connections that wait for a reply, by the kernel alone: the client spoke last, and all its bytes were read.

That is no stall by itself: a long poll waits for its reply too, and a protocol may need none. So it is a finding of
lower confidence. See tcp_info in tcp(7): the times since data came and was sent last, in ticks of 1 to 10 ms.
"""

from echo_tui.model.connection import Connection
from echo_tui.model.connections import Connections
from echo_tui.model.evidence import Socket
from echo_tui.model.observations import SocketSample

MS = 1_000_000


class Replies:
    """Since when each connection has waited for a reply, of those that were asked about."""

    def __init__(self) -> None:
        self.since: dict[int, int] = {}
        """When (ns) the last bytes of a connection came that has no reply yet, by its number."""
        self.replied_at: dict[int, int] = {}
        """When (ns) a reply of each process was seen last."""
        self._answered: dict[int, tuple[int, int]] = {}
        """For each connection, the bytes written at the last sample, and those received when that number changed."""

    def note(self, o: SocketSample, connections: Connections) -> None:
        """Note what a sample shows; connections that are gone are forgotten."""
        for socket in o.sockets:
            connection = connections.by_peer.get(socket.peer)
            if connection and connection.accepted_at and socket.received is not None and socket.written is not None:
                self._note(connection, socket, socket.received, socket.written, o.at)
        for number in self._answered.keys() - connections.keys():
            self._answered.pop(number, None)
            self.since.pop(number, None)

    def oldest(self, now: int) -> int:
        """Return how long (ns) the oldest one has waited; 0 if none does."""
        return max(now - min(self.since.values()), 0) if self.since else 0

    def snapshot(self) -> "Replies":
        """Return a copy that no longer changes."""
        twin = Replies()
        twin.since, twin.replied_at, twin._answered = self.since.copy(), self.replied_at.copy(), self._answered.copy()
        return twin

    def _note(self, connection: Connection, socket: Socket, received: int, written: int, at: int) -> None:
        number = connection.number
        before = self._answered.get(number)
        if before is None or before[0] != written:
            self._answered[number] = (written, received)
            if before:
                self.replied_at[connection.pid] = at
        answered = self._answered[number][1]
        idle, silent = socket.idle, socket.silent
        spoke_last = not written or received > answered or (idle is not None and silent is not None and idle < silent)
        if received and spoke_last and not socket.unread and not socket.unsent:
            self.since[number] = at - (idle or 0) * MS
        else:
            self.since.pop(number, None)
