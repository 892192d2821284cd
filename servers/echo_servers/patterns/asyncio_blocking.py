"""The same Protocol with a blocking call in data_received: while it sleeps, the loop serves nobody."""

from echo_servers.event_loop import run
from echo_servers.patterns.asyncio_protocol import EchoProtocol
from echo_servers.server import Server


class BlockingEcho(EchoProtocol):
    def data_received(self, data: bytes) -> None:
        self.server.report.recv(self.conn, data)
        self.server.block.inject(self.server.report, self.conn)  # time.sleep, armed from the start
        self.transport.write(data)
        self.server.report.send(self.conn, data)


def serve(server: Server) -> None:
    run(server, lambda: BlockingEcho(server))
