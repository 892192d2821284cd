"""The asyncio Protocol on uvloop: the same program, with an event loop in C (libuv) instead of asyncio's."""

import asyncio
from typing import cast

import uvloop

from echo_servers.patterns import asyncio_protocol
from echo_servers.report import ReportedConnection
from echo_servers.server import Server
from echo_servers.uv import UvListener


class UvEchoProtocol(asyncio_protocol.EchoProtocol):
    def __init__(self, conn: ReportedConnection, door: UvListener) -> None:
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
    UvListener(server, loop, UvEchoProtocol).open()
    server.report.worker("event loop")
    server.report.buffer()
    loop.run_forever()
