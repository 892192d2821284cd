"""One blocking thread: while it serves a client, the next one waits in the accept queue."""

from echo_servers.echo import echo
from echo_servers.listener import accept, listen
from echo_servers.server import Server


def serve(server: Server) -> None:
    listener = listen(server)
    server.report.worker("main")
    while True:
        client, conn = accept(listener, server.report)
        echo(client, conn, server)
