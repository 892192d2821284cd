"""What waits at a port, as the kernel says: connections to be accepted, bytes to be read, bytes to be sent (Linux).

Asked by sock_diag(7) with the port and three states, so that the kernel answers with these sockets only; it needs no
privilege. A connection in the accept queue belongs to no process yet, so its answer names no inode. Of the listening
socket the kernel gives the queue's length and limit where it gives other sockets' unread and unsent bytes.
"""

import socket
import struct
import time
from collections.abc import Iterable, Iterator

from app.session.observations import Socket, SocketSample
from servers.records import address_name

OFTEN = 200_000_000
"""The least time (ns) between two looks."""
SHARE = 100
"""A look that takes t is followed by none for this many times t."""

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR, NLMSG_DONE = 2, 3
ESTABLISHED, CLOSE_WAIT, LISTEN = 1, 8, 10
"""States of include/net/tcp_states.h: a completed connection, one whose client has said goodbye, a listening socket."""
HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port id."""
REQUEST = struct.Struct("=BBBxI2s2s16s16sIQ")
"""struct inet_diag_req_v2: family, protocol, extensions, states, then the socket's ends: only our port is asked for."""
ANSWER = struct.Struct("=BBBB2s2s16s16sIQIIIII")
"""struct inet_diag_msg: family, state, ..., ports and addresses in network order, ..., then expiry, unread and unsent
bytes, owner and inode."""


class Sockets:
    """The sockets of one port."""

    def __init__(self) -> None:
        self._next = 0
        self.missing = ""
        """Why there is nothing to see here; empty while there is."""

    def sample(self, port: int, host: str = "::") -> SocketSample | None:
        """What waits now; None if it is too soon to look again, or this system can't tell.

        A server on an IPv4 address has IPv4 sockets only; on any other it may have both.
        """
        began = time.monotonic_ns()
        if began < self._next or self.missing:
            return None
        try:
            families = (socket.AF_INET, socket.AF_INET6) if ":" in host else (socket.AF_INET,)
            found = look(families, port, began)
        except (OSError, AttributeError) as error:
            self.missing = f"this system has no sock_diag: {error}"
            return None
        ended = time.monotonic_ns()
        self._next = ended + max(OFTEN, SHARE * (ended - began))
        return found


def look(families: Iterable[int], port: int, at: int) -> SocketSample:
    """What waits at a port. Raises OSError where the kernel has no such service."""
    sample = SocketSample(at, None, None, [])
    for family in families:
        for answer in _dump(_request(family, port)):
            of_family, state, *_, peer_port, _, address, _, _, _, unread, unsent, _, inode = ANSWER.unpack_from(answer)
            if state == LISTEN:  # with SO_REUSEPORT there are several
                sample.queue = (sample.queue or 0) + unread
                sample.limit = (sample.limit or 0) + unsent
            elif unread or unsent or not inode:
                packed = address[:4] if of_family == socket.AF_INET else address
                peer = address_name(socket.inet_ntop(of_family, packed), int.from_bytes(peer_port, "big"))
                sample.sockets.append(Socket(peer, unread, unsent, bool(inode)))
    return sample


def _request(family: int, port: int) -> bytes:
    states = 1 << ESTABLISHED | 1 << CLOSE_WAIT | 1 << LISTEN
    return REQUEST.pack(family, socket.IPPROTO_TCP, 0, states, struct.pack("!H", port), b"", b"", b"", 0, 2**64 - 1)


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
