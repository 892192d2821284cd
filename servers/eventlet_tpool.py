"""The Eventlet program, with the blocking call moved to a pool of native threads, which the hub does not wait for."""

import servers.eventlet_green  # noqa: F401, I001 - first of all the monkey patch

from eventlet import tpool

from servers.block import BlockSetting, block_natively
from servers.green import report_before_waiting
from servers.multithread import serve as serve_with_threads
from servers.report import Connection, Report
from servers.server import Server
from servers.workers import THREADS


def block_in_pool(setting: BlockSetting, report: Report, conn: Connection) -> None:
    report.waits(conn)
    tpool.execute(block_natively, setting, report, conn)


def serve(server: Server) -> None:
    report_before_waiting(server.report)
    tpool.set_num_threads(server.options.workers or THREADS)
    tpool.setup()  # now, while there are descriptors for it
    server.block.make = block_in_pool
    serve_with_threads(server)
