"""The one blocking handler: the blocking patterns and Eventlet serve a connection with it."""

import socket
from contextlib import closing

from echo_servers.report import Connection
from echo_servers.server import RECV_BYTES, Server


def echo(client: socket.socket, conn: Connection, server: Server) -> None:
    """Send back what comes, until the client leaves; its reset ends its own connection and nothing else."""
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


def send_all(client: socket.socket, message: bytes, conn: Connection, server: Server) -> None:
    """Send the whole message; where the kernel's buffer is full, report first and then wait for room."""
    try:
        sent = client.send(message, socket.MSG_DONTWAIT)
    except BlockingIOError:
        sent = 0
    if sent < len(message):
        server.report.waits(conn)
        client.sendall(message[sent:])
