"""The multithread program, unchanged, under gevent's monkey patch: its threads become greenlets on libev's loop."""

from gevent import get_hub, monkey

monkey.patch_all(dns=False)  # its name lookup would start a native thread for the listening socket

from echo_servers.patterns.multithread import serve as serve_with_threads  # noqa: E402
from echo_servers.report import Report  # noqa: E402
from echo_servers.server import Server  # noqa: E402

LAST = -2
"""A priority below that of gevent's own watcher, in which greenlets run."""


def report_before_waiting(report: Report) -> None:
    """Write the reports whenever the event loop is about to wait."""
    report.buffer()
    get_hub().loop.prepare(ref=False, priority=LAST).start(report.flush)


def serve(server: Server) -> None:
    report_before_waiting(server.report)
    serve_with_threads(server)
