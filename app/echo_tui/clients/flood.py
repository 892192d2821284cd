"""A flood: many connections at once that say nothing, so that they fill a server's accept queue, or its workers."""

import socket
from functools import partial

from echo_servers.listener import name

from echo_tui.clients import failures
from echo_tui.clients.failures import Destination, Failure
from echo_tui.clients.loop import READ, WRITE, ClientLoop, clock
from echo_tui.model.observations import Flooding

SECOND = 1_000_000_000


class SocketFlood:
    """The flood of one client process. It ends on request, after its time, or when the server has closed all of it."""

    def __init__(self, loop: ClientLoop) -> None:
        self._loop = loop
        self._sockets: dict[int, socket.socket] = {}

    def begin(self, target: Destination, count: int, seconds: float) -> None:
        """Call connect(2) for all of them, without a pause between two."""
        failure = None
        try:
            for _ in range(count):
                self._open(target)
        except OSError as error:
            failure = failures.failed(error, target)
        if self._sockets:
            self._loop.alarms.set(self, clock() + round(seconds * SECOND))
        if self._sockets or failure:
            self._report(failure=failure)

    def end(self) -> None:
        """Close those that are left."""
        for fd in list(self._sockets):
            self._ended(fd)

    def wake(self) -> None:
        """Its time is over."""
        self.end()

    def _open(self, target: Destination) -> None:
        if target.address is None:
            raise OSError(None, target.name)
        client = socket.socket(target.family, socket.SOCK_STREAM)
        client.setblocking(False)
        try:
            client.connect(target.address)
        except BlockingIOError:
            pass
        except OSError:
            client.close()
            raise
        self._sockets[client.fileno()] = client
        self._loop.watch(client.fileno(), WRITE, partial(self._connected, client.fileno()))

    def _connected(self, fd: int, mask: int) -> None:
        """The kernel has completed a connection, or has refused it."""
        if self._sockets[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._ended(fd)
        else:
            self._loop.watch(fd, READ, partial(self._ended, fd))
            self._report(name(self._sockets[fd].getsockname()))

    def _ended(self, fd: int, mask: int = 0) -> None:
        """A connection is over: nothing was sent, so all that comes from a server is its end."""
        self._loop.watch(fd, 0, partial(self._ended, fd))
        self._sockets.pop(fd).close()
        if not self._sockets:
            self._loop.alarms.cancel(self)
            self._report()

    def _report(self, *connected: str, failure: Failure | None = None) -> None:
        self._loop.events.add(Flooding(clock(), len(self._sockets), list(connected), *(failure or ())))
