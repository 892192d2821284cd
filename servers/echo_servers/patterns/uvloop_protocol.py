"""The asyncio Protocol on uvloop: the same program, with an event loop in C (libuv) instead of asyncio's."""

import asyncio
from typing import cast

import uvloop

from echo_servers.patterns import asyncio_protocol
from echo_servers.report import Connection
from echo_servers.server import Server
from echo_servers.uv import Door


class Echo(asyncio_protocol.Echo):
    def __init__(self, conn: Connection, door: Door) -> None:
        super().__init__(door.server)
        self.conn = conn
        self.door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.door.reports()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.reports()
        super().connection_lost(exc)


def serve(server: Server) -> None:
    loop = uvloop.new_event_loop()
    Door(server, loop, Echo).open()
    server.report.worker("event loop")
    server.report.hold()
    loop.run_forever()
