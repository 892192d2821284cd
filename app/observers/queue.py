"""Who waits in the accept queue of a port, as the kernel lists it: connected, and not accepted by anybody (Linux)."""

import socket
import struct
import time
from pathlib import Path

from app.session.observations import Queued
from servers.report import address_name

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
COMPLETED = (b"01", b"08")
"""ESTABLISHED, and CLOSE_WAIT: the client has said goodbye already (include/net/tcp_states.h)."""
OFTEN = 200_000_000
"""The least time (ns) between two looks."""
SHARE = 100
"""A look that takes t is followed by none for this many times t: with thousands of sockets the tables are long."""


class AcceptQueue:
    """The queue of one port. A connection in it belongs to no process yet, so its row names no inode (proc(5))."""

    def __init__(self) -> None:
        self._next = 0

    def sample(self, port: int) -> Queued | None:
        """Who waits now; None if it is too soon to look again, or this system has no such table."""
        began = time.monotonic_ns()
        if began < self._next or not TABLES[0].exists():
            return None
        peers = [peer for table in TABLES for peer in waiting(_read(table), port)]
        ended = time.monotonic_ns()
        self._next = ended + max(OFTEN, SHARE * (ended - began))
        return Queued(began, peers)


def waiting(table: bytes, port: int) -> list[str]:
    """The peers of the rows of a table that wait on a port."""
    ours = b":%04X" % port
    found = []
    for line in table.splitlines()[1:]:
        row = line.split(None, 10)
        if len(row) > 9 and row[9] == b"0" and row[3] in COMPLETED and row[1].endswith(ours):
            found.append(_peer(row[2]))
    return found


def _peer(field: bytes) -> str:
    """`0100007F:1F90` as `127.0.0.1:8080`: words in the byte order of this machine, the port as a number."""
    words, port = field.split(b":")
    packed = b"".join(struct.pack("=I", int(words[i : i + 8], 16)) for i in range(0, len(words), 8))
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return address_name(socket.inet_ntop(family, packed), int(port, 16))


def _read(table: Path) -> bytes:
    try:
        return table.read_bytes()
    except OSError:
        return b""
