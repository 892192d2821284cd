"""A thread for each client: the main thread does nothing but accept."""

import threading

from echo_servers.echo import echo
from echo_servers.listener import accept, listen
from echo_servers.server import Server


def serve(server: Server) -> None:
    listener = listen(server)
    server.report.worker("main")
    while True:
        client, conn = accept(listener, server.report)
        threading.Thread(target=echo, args=(client, conn, server), daemon=True).start()
