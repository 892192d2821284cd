"""A process for each core, competing for one listening socket: each has an interpreter lock of its own."""

from servers.listener import listen
from servers.server import Server
from servers.thread_pool import work
from servers.workers import cores, run_processes


def serve(server: Server) -> None:
    listener = listen(server)
    run_processes(server.options.workers or cores(), work, server, listener)
