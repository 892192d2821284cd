"""Non-blocking sockets, tried again and again without a pause: a full core, and still one client at a time."""

import socket
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from echo_servers.listener import accept, listen
from echo_servers.report import Report, ReportedConnection
from echo_servers.server import RECV_BYTES, Server

T = TypeVar("T")


def spin(report: Report, operation: Callable[..., T], *args: object) -> T:
    """Try until the operation succeeds."""
    while True:
        try:
            return operation(*args)
        except BlockingIOError:
            report.flush()


def echo(client: socket.socket, conn: ReportedConnection, server: Server) -> None:
    report = server.report
    error = ""
    with closing(client):
        try:
            while message := spin(report, client.recv, RECV_BYTES):
                report.recv(conn, message)
                server.block.inject(report, conn)
                unsent = memoryview(message)
                while unsent:
                    unsent = unsent[spin(report, client.send, unsent) :]
                report.send(conn, message)
        except OSError as reset:
            error = type(reset).__name__
    report.bye(conn, error)


def serve(server: Server) -> None:
    listener = listen(server)
    listener.setblocking(False)
    server.report.worker("main")
    server.report.buffer()
    while True:
        client, conn = spin(server.report, accept, listener, server.report)
        client.setblocking(False)
        echo(client, conn, server)
