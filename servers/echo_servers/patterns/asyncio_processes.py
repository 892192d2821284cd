"""The coroutines of asyncio-streams, with the blocking call moved to a process, which has its own GIL."""

from echo_servers.event_loop import run_streams
from echo_servers.helpers import Helpers
from echo_servers.patterns.asyncio_streams import Streams
from echo_servers.report import ReportedConnection
from echo_servers.server import Server
from echo_servers.workers import cores


class InProcesses(Streams):
    def __init__(self, server: Server, helpers: Helpers) -> None:
        super().__init__(server)
        self.helpers = helpers

    async def inject(self, conn: ReportedConnection) -> None:
        report = self.server.report
        if setting := self.server.block.due(conn):
            report.hand(conn, self.helpers.count)
            async with self.helpers.one() as helper:
                report.block(conn, setting.kind, setting.seconds, cooperative=True)  # it blocks none of our threads
                await helper.call(setting)
                report.unblock(conn)


def serve(server: Server) -> None:
    # Forked before anything is open that a helper could keep open, and before any thread runs.
    helpers = Helpers(server, server.options.workers or cores())
    run_streams(server, InProcesses(server, helpers).echo, helpers.watch)
