"""The multithread program, unchanged, under Eventlet's monkey patch: its threads become green ones on an event loop."""

import warnings

warnings.filterwarnings("ignore", module="echo_servers.patterns.eventlet_green")

import eventlet  # noqa: E402

eventlet.monkey_patch()

from echo_servers.green import report_before_waiting  # noqa: E402
from echo_servers.patterns.multithread import serve as serve_with_threads  # noqa: E402
from echo_servers.server import Server  # noqa: E402


def serve(server: Server) -> None:
    report_before_waiting(server.report)
    serve_with_threads(server)
