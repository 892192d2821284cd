"""Twisted: a Protocol on its reactor, later adopted by asyncio; the reactor calls when something has happened."""

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from zope.interface import implementer

from echo_servers.reactor import run
from echo_servers.report import ReportedConnection
from echo_servers.server import Server


@implementer(IHalfCloseableProtocol)
class TwistedEchoProtocol(Protocol):
    transport: Any

    def __init__(self, server: Server, conn: ReportedConnection) -> None:
        self.server = server
        self.conn = conn

    def connectionMade(self) -> None:
        # While the client does not read, the transport pauses its producer, which is its own reading.
        self.transport.registerProducer(self.transport, streaming=True)

    def dataReceived(self, data: bytes) -> None:
        self.server.report.recv(self.conn, data)
        self.server.block.inject(self.server.report, self.conn)
        self.transport.write(data)
        self.server.report.send(self.conn, data)

    def readConnectionLost(self) -> None:
        self.transport.unregisterProducer()
        self.transport.loseConnection()  # once the rest is sent

    def writeConnectionLost(self) -> None:
        pass

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self.server.report.bye(self.conn, "" if reason.check(ConnectionDone) else type(reason.value).__name__)


def serve(server: Server) -> None:
    run(server, lambda conn: TwistedEchoProtocol(server, conn))
