"""Threads without a limit, started until the system refuses, as in a server that never refuses a client.

It serves nobody. The process first limits its own address space, so that the refusal is the system's own and the
machine is not affected: every thread reserves a stack, and 16 GiB hold about 2,000 of the usual 8 MiB.
"""

import threading
import time

from echo_servers.limits import address_space_lifted, limit_address_space
from echo_servers.refusals import refused_by
from echo_servers.server import Server

CEILING = 4000
ADDRESS_SPACE = 16 * 2**30
STEP = 50
PACE = 0.0015
"""Seconds between two threads, so that the count can be watched for about 3 s; otherwise 2,000 start in 0.1 s."""


def serve(server: Server) -> None:
    ceiling = server.options.ceiling or CEILING
    limit_address_space(ADDRESS_SPACE)
    for count in range(2, ceiling + 1):
        try:
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        except RuntimeError:
            reached = threading.active_count()
            with address_space_lifted() as limit:
                server.report.threads(reached)
                server.report.note(f"refused after {reached} threads: {refused_by(reached, limit)}")
            raise
        time.sleep(PACE)
        if count % STEP == 0 or count < STEP:
            server.report.threads(count)
    server.report.threads(ceiling)
    server.report.note(f"stopped at the ceiling of {ceiling} threads (--ceiling); the system did not refuse")
    time.sleep(3600)
