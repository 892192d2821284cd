"""Who waits in the accept queue of a port, as the kernel says: connected, and not accepted by anybody (Linux).

Asked by sock_diag(7) with the port and two states, so that the kernel answers with these sockets only; it needs no
privilege. A connection in the queue belongs to no process yet, so its answer names no inode.
"""

import socket
import struct
import time
from collections.abc import Iterator

from app.session.observations import Queued
from servers.report import address_name

OFTEN = 200_000_000
"""The least time (ns) between two looks."""
SHARE = 100
"""A look that takes t is followed by none for this many times t."""

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR, NLMSG_DONE = 2, 3
ESTABLISHED, CLOSE_WAIT = 1, 8
"""States of a completed connection (include/net/tcp_states.h); the second has said goodbye already."""
HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port id."""
REQUEST = struct.Struct("=BBBxI2s2s16s16sIQ")
"""struct inet_diag_req_v2: family, protocol, extensions, states, then the socket's ends: only our port is asked for."""
ANSWER = struct.Struct("=BBBB2s2s16s16sIQIIIII")
"""struct inet_diag_msg: family, state, ..., ports and addresses in network order, ..., and last the inode."""


class AcceptQueue:
    """The queue of one port."""

    def __init__(self) -> None:
        self._next = 0
        self.missing = ""
        """Why there is nothing to see here; empty while there is."""

    def sample(self, port: int) -> Queued | None:
        """Who waits now; None if it is too soon to look again, or this system can't tell."""
        began = time.monotonic_ns()
        if began < self._next or self.missing:
            return None
        try:
            peers = [peer for family in (socket.AF_INET, socket.AF_INET6) for peer in waiting(family, port)]
        except (OSError, AttributeError) as error:
            self.missing = f"this system has no sock_diag: {error}"
            return None
        ended = time.monotonic_ns()
        self._next = ended + max(OFTEN, SHARE * (ended - began))
        return Queued(began, peers)


def waiting(family: int, port: int) -> list[str]:
    """The peers that wait on a port. Raises OSError where the kernel has no such service."""
    states = 1 << ESTABLISHED | 1 << CLOSE_WAIT
    ask = REQUEST.pack(family, socket.IPPROTO_TCP, 0, states, struct.pack("!H", port), b"", b"", b"", 0, 2**64 - 1)
    found = []
    for answer in _dump(ask):
        of_family, _, _, _, _, peer_port, _, address, *_, inode = ANSWER.unpack_from(answer)
        if not inode:
            packed = address[:4] if of_family == socket.AF_INET else address
            found.append(address_name(socket.inet_ntop(of_family, packed), int.from_bytes(peer_port, "big")))
    return found


def _dump(ask: bytes) -> Iterator[bytes]:
    """The answers to one request, without their headers (netlink(7))."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
        link.settimeout(1)
        link.send(HEADER.pack(HEADER.size + len(ask), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0) + ask)
        while True:
            data = link.recv(1 << 16)
            while data:
                length, kind, *_ = HEADER.unpack_from(data)
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", data, HEADER.size)[0], "sock_diag refused")
                yield data[HEADER.size : length]
                data = data[(length + 3) & ~3 :]
