"""An event loop in each of several processes: many clients for each, on every core."""

import socket
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from echo_servers.listener import listen, report_listening
from echo_servers.patterns.asyncio_protocol import EchoProtocol
from echo_servers.server import Server
from echo_servers.sharing import accept_for_ever, listen_at, reserve
from echo_servers.workers import cores, run_processes

PATIENCE = 10.0


def share(server: Server, listener: socket.socket) -> None:
    """Accept from a socket that all processes share: the first one woken gets the connection."""
    accept_for_ever(server, listener, lambda peer: EchoProtocol(server, peer))


def own(server: Server, place: socket.socket, all_listen: Barrier) -> None:
    """Accept from this process's own listening socket: the kernel assigns connections to it, busy or not."""
    listener = listen_at(place)
    if all_listen.wait(PATIENCE) == 0:
        report_listening(server.report, listener)
    share(server, listener)


def serve(server: Server) -> None:
    workers = server.options.workers or cores()
    if server.options.share == "reuseport":
        run_processes(workers, own, server, reserve(server), get_context("fork").Barrier(workers))
    else:
        run_processes(workers, share, server, listen(server))
