"""Loopback ports for tests and benchmarks."""

import itertools
import os
import random
import re
import socket
from collections.abc import Iterator

HOST = "127.0.0.1"
LOWEST, EACH = 10_000, 2_000
"""The first port, and how many each process of a test run has for itself.

All are below those that the kernel gives to clients and to `--port 0`. With a port of that range, a server of another
test may get it before ours listens, and the clients of one test then connect to the server of the other.
"""


def _ports() -> Iterator[int]:
    """Return the ports of this process of a test run, in turn from any one on."""
    worker = int((re.findall(r"\d+", os.environ.get("PYTEST_XDIST_WORKER", "")) or ["10"])[0]) % 11
    ports = range(LOWEST + worker * EACH, LOWEST + (worker + 1) * EACH)
    first = random.randrange(EACH)
    return itertools.cycle([*ports[first:], *ports[:first]])


_OWN = _ports()


def free_port() -> int:
    """Return a port without a listener, which no other process of this test run uses."""
    return next(port for port in _OWN if is_free(port))


def is_free(port: int) -> bool:
    """Return whether a server started now could listen on the port."""
    with socket.socket() as successor:
        successor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            successor.bind((HOST, port))  # without listen(2), which would keep a server from listening meanwhile
        except OSError:
            return False
    return True
