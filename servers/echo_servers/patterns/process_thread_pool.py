"""Processes, to use every core, and a pool of threads in each, to wait."""

import signal
import socket

from echo_servers.listener import listen
from echo_servers.patterns.thread_pool import work
from echo_servers.server import Server
from echo_servers.workers import THREADS, cores, run_processes, start_threads


def pool(server: Server, listener: socket.socket) -> None:
    start_threads(THREADS, work, server, listener)
    while True:
        signal.pause()  # the main thread of each process has nothing to do


def serve(server: Server) -> None:
    listener = listen(server)
    run_processes(server.options.workers or cores(), pool, server, listener, serves=False)
