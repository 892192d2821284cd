"""A Protocol on asyncio's event loop: the library waits, and calls us when something has happened."""

import asyncio
from typing import cast

from echo_servers.event_loop import run
from echo_servers.listener import name
from echo_servers.report import ReportedConnection
from echo_servers.server import Server


class EchoProtocol(asyncio.Protocol):
    def __init__(self, server: Server, peer: str = "") -> None:
        self.server = server
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.conn: ReportedConnection = self.server.report.new(self.peer or name(transport.get_extra_info("peername")))

    def data_received(self, data: bytes) -> None:
        self.server.report.recv(self.conn, data)
        self.server.block.inject(self.server.report, self.conn)
        self.transport.write(data)
        self.server.report.send(self.conn, data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # the client does not read: stop reading from it

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.report.bye(self.conn, type(exc).__name__ if exc else "")


def serve(server: Server) -> None:
    run(server, lambda: EchoProtocol(server))
