"""A process for each core, competing for one listening socket: each has its own GIL."""

from echo_servers.listener import listen
from echo_servers.patterns.thread_pool import work
from echo_servers.server import Server
from echo_servers.workers import cores, run_processes


def serve(server: Server) -> None:
    listener = listen(server)
    run_processes(server.options.workers or cores(), work, server, listener)
