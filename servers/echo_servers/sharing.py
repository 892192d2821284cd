"""How event loops in several processes share the connections of a port, and how many loops each connection wakes."""

import asyncio
import os
import resource
import select
import socket
from collections.abc import Callable
from typing import Any

from echo_servers.event_loop import ReportingSelector, new_loop
from echo_servers.listener import OUT_OF_DESCRIPTORS, PAUSE, bind, take
from echo_servers.report import Report
from echo_servers.server import BACKLOG, BadRequest, Server

HAS_EXCLUSIVE = hasattr(select, "EPOLLEXCLUSIVE")
SPREADS = hasattr(socket, "SO_REUSEPORT") and hasattr(select, "epoll")
"""Whether SO_REUSEPORT spreads connections over the sockets, as Linux does; elsewhere one of them gets all."""
BEAT = 1.0
"""Seconds after which a loop that every connection wakes returns to report its wakes, although it accepts none."""


class CountingSelector(ReportingSelector):
    """Counts wakes that no program sees: another process was faster, the kernel finds nothing, and the call waits on.

    Each wait is a voluntary context switch of this process, which has one thread (getrusage(2)).
    """

    longest: float | None = None

    def __init__(self, report: Report, listener: socket.socket) -> None:
        super().__init__(report)
        self._listener = listener.fileno()

    def select(self, timeout: float | None = None) -> Any:
        self._report.flush()  # now, because writing may wait too
        before = _sleeps()
        found = super().select(self.longest if timeout is None else timeout)
        if (in_vain := _sleeps() - before - 1) > 0:
            self._report.woken(in_vain)
        return found

    def accepted(self) -> None:
        """Note that a connection was accepted."""


class HerdSelector(CountingSelector):
    """A connection wakes all processes that wait for it."""

    longest = BEAT


class ExclusiveSelector(CountingSelector):
    """A connection wakes one of the processes that wait for it: epoll_ctl(2), EPOLLEXCLUSIVE."""

    def __init__(self, report: Report, listener: socket.socket) -> None:
        super().__init__(report, listener)
        # Our own handle of the same epoll instance, because selectors can't set the flag.
        self._epoll = select.epoll.fromfd(os.dup(self.fileno()))

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        key = super().register(fileobj, events, data)
        if key.fd == self._listener:
            self.accepted()
        return key

    def accepted(self) -> None:
        """Move to the end of the kernel's list: it wakes the first idle process, which would always be the same one."""
        self._epoll.unregister(self._listener)
        self._epoll.register(self._listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)


class Acceptor:
    """Accepts one connection per wake, and leaves the next one to the process woken for it."""

    def __init__(self, server: Server, listener: socket.socket, protocol: Callable[[str], asyncio.Protocol]) -> None:
        self._report, self._listener, self._protocol = server.report, listener, protocol
        self._selector = _selector(server.options.share)(server.report, listener)
        self.loop = new_loop(server.report, self._selector)
        self._beginning: set[asyncio.Task[Any]] = set()

    def wait(self) -> None:
        """Start accepting connections."""
        self.loop.add_reader(self._listener, self._woken)

    def _woken(self) -> None:
        try:
            client, peer = take(self._listener, self._report)
        except BlockingIOError as nothing:
            if nothing.errno in OUT_OF_DESCRIPTORS:
                self.loop.remove_reader(self._listener)
                self.loop.call_later(PAUSE, self.wait)
            else:
                self._report.woken(1)
            return
        self._selector.accepted()
        client.setblocking(False)
        begin = self.loop.connect_accepted_socket(lambda: self._protocol(peer), client)
        task = self.loop.create_task(begin)
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)


def _sleeps() -> int:
    """Return how often this process has waited."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def _selector(share: str | None) -> type[CountingSelector]:
    if share == "reuseport":
        return CountingSelector
    return ExclusiveSelector if HAS_EXCLUSIVE and share != "herd" else HerdSelector


def accept_for_ever(server: Server, listener: socket.socket, protocol: Callable[[str], asyncio.Protocol]) -> None:
    """Run a loop that accepts its share of the connections, and serves each with a new protocol for its peer."""
    listener.setblocking(False)
    acceptor = Acceptor(server, listener, protocol)
    acceptor.wait()
    server.report.woken(0)
    acceptor.loop.run_forever()


def reserve(server: Server) -> socket.socket:
    """Reserve the server's address for sockets that its own processes open there. Raises BadRequest."""
    if not SPREADS:
        raise BadRequest("--share reuseport needs Linux: this system gives one of the sockets all connections")
    place = bind(server, listens=False)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # not before: it might share the port
    return place


def listen_at(place: socket.socket) -> socket.socket:
    """Return this process's own listening socket at the reserved address: the kernel spreads connections over them."""
    listener = socket.socket(place.family, place.type)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(place.getsockname())
    listener.listen(BACKLOG)
    return listener
