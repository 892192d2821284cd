"""The Eventlet program, with the blocking call moved to a pool of native threads, which the hub does not wait for."""

import echo_servers.patterns.eventlet_green  # noqa: F401, I001 - first of all the monkey patch

from eventlet import tpool

from echo_servers.block import BlockSetting, block_natively
from echo_servers.green import report_before_waiting
from echo_servers.patterns.multithread import serve as serve_with_threads
from echo_servers.report import ReportedConnection, Report
from echo_servers.server import Server
from echo_servers.workers import THREADS


def serve(server: Server) -> None:
    threads = server.options.workers or THREADS

    def block_in_pool(setting: BlockSetting, report: Report, conn: ReportedConnection) -> None:
        report.hand(conn, threads)
        tpool.execute(block_natively, setting, report, conn)

    report_before_waiting(server.report)
    tpool.set_num_threads(threads)
    tpool.setup()  # now, while there are descriptors for it
    server.block.make = block_in_pool
    serve_with_threads(server)
