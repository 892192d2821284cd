"""Twisted's reactor, changed to write reports before each wait, and to leave clients queued that it can't accept."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as default
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Server as TcpServer
from twisted.python.failure import Failure
from zope.interface import implementer

from echo_servers.listener import PAUSE, accept, listen
from echo_servers.report import Report, ReportedConnection
from echo_servers.server import Server

reactor: Any = default
Transport: Any = TcpServer


@implementer(IReadDescriptor)
class ReactorListener:
    """The listening socket. Without descriptors, Twisted's own port would accept clients only to close them."""

    def __init__(self, server: Server, protocol: Callable[[ReportedConnection], Protocol]) -> None:
        self._report = server.report
        self._protocol = protocol
        self._listener = listen(server)
        self._listener.setblocking(False)
        self.fileno = self._listener.fileno

    def doRead(self) -> None:
        """Accept a client."""
        try:
            client, conn = accept(self._listener, self._report)
        except BlockingIOError:
            reactor.removeReader(self)
            reactor.callLater(PAUSE, reactor.addReader, self)
            return
        client.setblocking(False)
        protocol: Any = self._protocol(conn)
        protocol.makeConnection(Transport(client, protocol, (conn.peer, 0), None, conn.number, reactor))

    def logPrefix(self) -> str:
        """Return its name in the reactor's log."""
        return "listener"

    def connectionLost(self, reason: Failure) -> None:
        """Called when the reactor no longer watches the listening socket."""


def run(server: Server, protocol: Callable[[ReportedConnection], Protocol]) -> None:
    """Serve each connection with a new protocol, endlessly; signals keep their actions."""
    door = ReactorListener(server, protocol)
    server.report.worker("reactor")
    report_before_waiting(server.report)
    reactor.addReader(door)
    reactor.run(installSignalHandlers=False)


def report_before_waiting(report: Report) -> None:
    """Write the reports before each turn of the reactor."""
    wait = reactor.doIteration

    def report_and_wait(delay: float | None) -> None:
        report.flush()
        wait(delay)

    report.buffer()
    reactor.doIteration = report_and_wait
