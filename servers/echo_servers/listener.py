"""The listening socket, and the accept that every pattern shares."""

import errno
import os
import socket
import time
from typing import Any

from echo_servers.records import address_name
from echo_servers.report import Report, ReportedConnection
from echo_servers.server import BACKLOG, BadRequest, Server

OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
GONE_AGAIN = (errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""accept(2): errors of a connection that ended before it was accepted; a server treats them like a retry."""
PAUSE = 0.05


def listen(server: Server) -> socket.socket:
    """Open the listening socket. Raises BadRequest if the address is unavailable."""
    listener = bind(server, listens=True)
    report_listening(server.report, listener)
    return listener


def bind(server: Server, *, listens: bool) -> socket.socket:
    """Return a socket at the server's address; without `listens` it only reserves the address. Raises BadRequest."""
    family, address = resolve(server.options.host, server.options.port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by accepted connections, as in asyncio: no pattern's echo waits for an ACK (Nagle, tcp(7)).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        if listens:
            listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise BadRequest(why_not(error, server.options.host, server.options.port)) from error
    return listener


def report_listening(report: Report, listener: socket.socket) -> None:
    """Report the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    report.listening(host, port, BACKLOG)


def resolve(host: str, port: int) -> tuple[int, Any]:
    """Return the family and address to bind; IPv4 first, as in the article. Raises BadRequest."""
    if not 0 <= port <= 65535:
        raise BadRequest(f"port {port} is out of range: choose 1 to 65535, or 0 for any free one")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise BadRequest(f"host {host!r} does not resolve") from None
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def why_not(error: OSError, host: str, port: int) -> str:
    """Return one sentence on why the server can't listen on an address."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use{_owner(port)}: end that, or choose another with --port"
        case errno.EACCES | errno.EPERM:
            return f"port {port} is privileged: choose one from 1024 on with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine"
        case _:
            return f"can't listen on {host}:{port}: {os.strerror(error.errno or 0)}"


def _owner(port: int) -> str:
    """Return which process listens on a port, as far as this user may know (psutil)."""
    import psutil

    try:
        pid = next(
            (
                row.pid
                for row in psutil.net_connections("tcp")
                if row.status == "LISTEN" and row.laddr and row.laddr.port == port and row.pid
            ),
            None,
        )
        return f" by {psutil.Process(pid).name()}, process {pid}" if pid else ""
    except (psutil.Error, OSError):  # also if parts of /proc are hidden
        return ""


def accept(listener: socket.socket, report: Report) -> tuple[socket.socket, ReportedConnection]:
    """Accept the next connection, and report it. Raises BlockingIOError like `take`."""
    client, peer = take(listener, report)
    return client, report.new(peer)


def take(listener: socket.socket, report: Report) -> tuple[socket.socket, str]:
    """Accept the next connection; return it with its peer's name.

    A connection that ended in the queue is skipped. Out of descriptors, a blocking listener is tried again after a
    pause, and a non-blocking one raises BlockingIOError: nothing can be accepted now.
    """
    while True:
        try:
            client, address = listener.accept()
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno in OUT_OF_DESCRIPTORS:
                report.out_of_descriptors()
                if listener.gettimeout() == 0:
                    raise BlockingIOError(error.errno, os.strerror(error.errno or 0)) from error
                time.sleep(PAUSE)
            elif error.errno not in GONE_AGAIN:
                raise
            continue
        return client, name(address)


def name(address: tuple[str, int]) -> str:
    """Return a peer's address as it is reported."""
    return address_name(*address[:2])
