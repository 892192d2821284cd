"""A fixed number of threads that compete for one listening socket: at most this many clients at a time."""

import signal
import socket

from echo_servers.echo import echo
from echo_servers.listener import accept, listen
from echo_servers.server import Server
from echo_servers.workers import THREADS, start_threads


def work(server: Server, listener: socket.socket) -> None:
    while True:
        client, conn = accept(listener, server.report)
        echo(client, conn, server)


def serve(server: Server) -> None:
    listener = listen(server)
    start_threads(server.options.workers or THREADS, work, server, listener)
    while True:
        signal.pause()  # the main thread has nothing to do
