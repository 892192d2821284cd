"""The blocking handler, with which the blocking patterns and Eventlet serve a connection."""

import socket
from contextlib import closing

from echo_servers.report import ReportedConnection
from echo_servers.server import RECV_BYTES, Server


def echo(client: socket.socket, conn: ReportedConnection, server: Server) -> None:
    """Echo until the client leaves; a reset ends this connection only."""
    server.report.serve(conn)
    error = ""
    with closing(client):
        try:
            while message := client.recv(RECV_BYTES):
                server.report.recv(conn, message)
                server.block.inject(server.report, conn)
                send_all(client, message, conn, server)
                server.report.send(conn, message)
        except OSError as reset:
            error = type(reset).__name__
    server.report.bye(conn, error)


def send_all(client: socket.socket, message: bytes, conn: ReportedConnection, server: Server) -> None:
    """Send the whole message; if the kernel's buffer is full, report first and then wait for room."""
    try:
        sent = client.send(message, socket.MSG_DONTWAIT)
    except BlockingIOError:
        sent = 0
    if sent < len(message):
        server.report.waits(conn)
        client.sendall(message[sent:])
