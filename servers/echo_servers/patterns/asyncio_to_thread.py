"""The coroutines of asyncio-streams, with the blocking call moved to its own thread: the loop continues."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from echo_servers.block import block
from echo_servers.event_loop import run_streams
from echo_servers.patterns.asyncio_streams import Streams
from echo_servers.report import ReportedConnection
from echo_servers.server import Server
from echo_servers.workers import THREADS


class ToThread(Streams):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.threads = server.options.workers or THREADS
        self.executor = ThreadPoolExecutor(self.threads)

    async def inject(self, conn: ReportedConnection) -> None:
        server = self.server
        if setting := server.block.due(conn):
            server.report.hand(conn, self.threads)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.executor, block, setting, server.report, conn)


def serve(server: Server) -> None:
    run_streams(server, ToThread(server).echo)
