"""Trio: a task for each client, written in the order of events, and all of them in one nursery."""

import socket

import trio

from echo_servers.listener import PAUSE, accept, listen
from echo_servers.report import Report, ReportedConnection
from echo_servers.server import RECV_BYTES, Server


class Reporting(trio.abc.Instrument):
    """Writes the reports before the loop waits; with a task to run it does not wait."""

    def __init__(self, report: Report) -> None:
        self.report = report
        report.buffer()

    def before_io_wait(self, timeout: float) -> None:
        if timeout:
            self.report.flush()


async def echo(client: trio.socket.SocketType, conn: ReportedConnection, server: Server) -> None:
    report = server.report
    error = ""
    with client:
        try:
            while message := await client.recv(RECV_BYTES):
                report.recv(conn, message)
                server.block.inject(report, conn)  # no await: no other task runs meanwhile
                unsent = memoryview(message)
                while unsent := unsent[await client.send(unsent) :]:
                    report.waits(conn)
                report.send(conn, message)
        except OSError as reset:
            error = type(reset).__name__
    report.bye(conn, error)


async def serve_all(server: Server, listener: socket.socket) -> None:
    async with trio.open_nursery() as nursery:
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                client, conn = accept(listener, server.report)
            except BlockingIOError:
                await trio.sleep(PAUSE)  # out of descriptors
            else:
                nursery.start_soon(echo, trio.socket.from_stdlib_socket(client), conn, server)


def serve(server: Server) -> None:
    listener = listen(server)
    listener.setblocking(False)
    server.report.worker("trio")
    trio.run(serve_all, server, listener, instruments=[Reporting(server.report)])
