"""The single thread with one line changed: accept does not wait any more, it raises."""

from servers.echo import echo
from servers.listener import accept, listen
from servers.server import Server


def serve(server: Server) -> None:
    listener = listen(server)
    listener.setblocking(False)
    while True:
        client, conn = accept(listener, server.report)  # nobody is there yet: BlockingIOError
        echo(client, conn, server)
