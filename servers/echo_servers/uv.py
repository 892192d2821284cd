"""Adapts uvloop: our own listening socket, and reports written once a turn, because it has no hook before waiting."""

import asyncio
import socket
from collections.abc import Callable

from echo_servers.listener import PAUSE, accept, listen
from echo_servers.report import ReportedConnection
from echo_servers.server import Server

NewProtocol = Callable[[ReportedConnection, "UvListener"], asyncio.BaseProtocol]


class UvListener:
    """The listening socket. Without descriptors, libuv's own would accept clients only to close them."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop, protocol: NewProtocol) -> None:
        self.server = server
        self._loop = loop
        self._protocol = protocol
        self._listener = listen(server)
        self._listener.setblocking(False)
        self._reported = False
        self._beginning: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Start accepting connections."""
        self._loop.add_reader(self._listener, self._accept)

    def reports(self) -> None:
        """Write what is reported from now on after this turn of the loop, before it waits."""
        if not self._reported:
            self._reported = True
            self._loop.call_soon(self._flush)

    def _accept(self) -> None:
        self.reports()
        try:
            client, conn = accept(self._listener, self.server.report)
        except BlockingIOError:
            self._loop.remove_reader(self._listener)
            self._loop.call_later(PAUSE, self.open)
        else:
            task = self._loop.create_task(self._serve(client, conn))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _serve(self, client: socket.socket, conn: ReportedConnection) -> None:
        client.setblocking(False)
        await self._loop.connect_accepted_socket(lambda: self._protocol(conn, self), client)

    def _flush(self) -> None:
        self._reported = False
        self.server.report.flush()
