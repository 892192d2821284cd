"""The single thread with one line changed: accept no longer waits, it raises."""

from echo_servers.echo import echo
from echo_servers.listener import accept, listen
from echo_servers.server import Server


def serve(server: Server) -> None:
    listener = listen(server)
    listener.setblocking(False)
    while True:
        client, conn = accept(listener, server.report)  # no client is connected yet: BlockingIOError
        echo(client, conn, server)
