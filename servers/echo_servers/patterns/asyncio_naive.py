"""The same Protocol without pause_reading: what a client does not read is buffered for it, in memory."""

from echo_servers.ceiling import Ceiling
from echo_servers.event_loop import run
from echo_servers.patterns.asyncio_protocol import EchoProtocol
from echo_servers.server import Server


class NaiveEcho(EchoProtocol):
    def __init__(self, server: Server, ceiling: Ceiling) -> None:
        super().__init__(server)
        self.ceiling = ceiling

    def data_received(self, data: bytes) -> None:
        super().data_received(data)  # transport.write never refuses data
        self.ceiling.check(self.transport)

    def pause_writing(self) -> None:
        self.ceiling.watch(self.transport, self.conn)  # the client does not read: continue reading from it

    def resume_writing(self) -> None:
        self.ceiling.forget(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ceiling.forget(self.transport)
        super().connection_lost(exc)


def serve(server: Server) -> None:
    ceiling = Ceiling(server.report)
    run(server, lambda: NaiveEcho(server, ceiling))
