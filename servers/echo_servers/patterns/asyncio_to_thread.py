"""The coroutines of asyncio-streams, with the blocking call moved to a thread of its own: the loop goes on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from servers.asyncio_streams import Streams
from servers.block import block
from servers.event_loop import run_streams
from servers.report import Connection
from servers.server import Server
from servers.workers import THREADS


class ToThread(Streams):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.executor = ThreadPoolExecutor(server.options.workers or THREADS)

    async def strike(self, conn: Connection) -> None:
        server = self.server
        if setting := server.block.due(conn):
            server.report.waits(conn)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.executor, block, setting, server.report, conn)


def serve(server: Server) -> None:
    run_streams(server, ToThread(server).echo)
