"""async/await on asyncio's event loop: a coroutine for each connection, written in the order of events."""

from asyncio import StreamReader, StreamWriter
from contextlib import closing

from echo_servers.event_loop import run_streams
from echo_servers.listener import name
from echo_servers.report import ReportedConnection
from echo_servers.server import RECV_BYTES, Server


class Streams:
    def __init__(self, server: Server) -> None:
        self.server = server

    async def echo(self, reader: StreamReader, writer: StreamWriter) -> None:
        report = self.server.report
        conn = report.new(name(writer.get_extra_info("peername")))
        error = ""
        with closing(writer):
            try:
                while message := await reader.read(RECV_BYTES):
                    report.recv(conn, message)
                    await self.inject(conn)
                    writer.write(message)
                    await writer.drain()  # while the client does not read, stop reading from it
                    report.send(conn, message)
                writer.close()
                await writer.wait_closed()  # once the rest is sent
            except OSError as reset:
                error = type(reset).__name__
        report.bye(conn, error)

    async def inject(self, conn: ReportedConnection) -> None:
        self.server.block.inject(self.server.report, conn)  # no await: no other coroutine runs meanwhile


def serve(server: Server) -> None:
    run_streams(server, Streams(server).echo)
