"""The asyncio Protocol on uvloop: the same program, and an event loop in C (libuv) in the place of asyncio's."""

import asyncio
import functools
import socket
from collections.abc import Callable
from typing import cast

import uvloop

from servers import asyncio_protocol
from servers.listener import PAUSE, accept, listen
from servers.report import Connection
from servers.server import Server


class Echo(asyncio_protocol.Echo):
    """It says when it is about to report, as this loop has no place for a flush of its own before it waits."""

    def __init__(self, server: Server, conn: Connection, reports: Callable[[], None]) -> None:
        super().__init__(server)
        self.conn = conn
        self.reports = reports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.reports()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reports()
        super().connection_lost(exc)


class Door:
    """The listening socket. libuv's own would, out of descriptors, accept clients to close them at once."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.loop = loop
        self.listener = listen(server)
        self.listener.setblocking(False)
        self.reported = False
        self.beginning: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        self.loop.add_reader(self.listener, self.accept)

    def accept(self) -> None:
        self.reports()
        try:
            client, conn = accept(self.listener, self.server.report)
        except BlockingIOError:
            self.loop.remove_reader(self.listener)
            self.loop.call_later(PAUSE, self.open)
        else:
            task = self.loop.create_task(self.serve(client, conn))
            self.beginning.add(task)
            task.add_done_callback(self.beginning.discard)

    async def serve(self, client: socket.socket, conn: Connection) -> None:
        client.setblocking(False)
        await self.loop.connect_accepted_socket(functools.partial(Echo, self.server, conn, self.reports), client)

    def reports(self) -> None:
        """What is reported now is handed in after this turn of the loop, and before it waits."""
        if not self.reported:
            self.reported = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        self.reported = False
        self.server.report.flush()


def serve(server: Server) -> None:
    loop = uvloop.new_event_loop()
    Door(server, loop).open()
    server.report.worker("event loop")
    server.report.hold()
    loop.run_forever()
