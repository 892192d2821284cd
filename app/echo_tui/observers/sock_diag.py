"""Query the kernel's TCP sockets of a port by sock_diag(7) over netlink(7), which needs no privilege."""

import socket
import struct
import sys
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
ESTABLISHED, SYN_SENT, CLOSE_WAIT, LISTEN = 1, 2, 8, 10
"""States of include/net/tcp_states.h: established; SYN not answered yet; client's end closed; listening."""
INET_DIAG_INFO, INET_DIAG_SKMEMINFO = 2, 7
"""Attributes of include/uapi/linux/inet_diag.h: struct tcp_info, and the socket's memory and drops."""
HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port id."""
REQUEST = struct.Struct("=BBBxI2s2s16s16sIQ")
"""struct inet_diag_req_v2: family, protocol, extensions, states, then the socket's two ends, interface and cookie."""
ANSWER = struct.Struct("=BBBB2s2s16s16sIQIIIII")
"""struct inet_diag_msg: family, state, ..., both ports and addresses, ..., unread and unsent bytes, owner, inode."""
ATTRIBUTE, WORD, LONG = struct.Struct("=HH"), struct.Struct("=I"), struct.Struct("=Q")
"""struct rtattr (length, type), and numbers of 32 and 64 bits."""
NO_COOKIE = 2**64 - 1
DROPS = 8 * 4
"""The offset of SK_MEMINFO_DROPS in its attribute (bytes)."""
LAST_DATA_SENT, LAST_DATA_RECV = 44, 52
"""The offsets of tcpi_last_data_sent and tcpi_last_data_recv (ms) in struct tcp_info (bytes)."""
BYTES_ACKED, BYTES_RECEIVED = 120, 128
"""The offsets of tcpi_bytes_acked and tcpi_bytes_received there, 64 bits each."""
PORTS, UNREAD, UNSENT, INODE = 5, 18, 19, 21
"""The offsets of these figures in an answer with its header, in words of four bytes."""
INET_DIAG_REQ_BYTECODE = 1
"""The attribute of a request with a filter, which the kernel runs on each socket (inet_diag.h)."""
FILTER = struct.Struct("=HHBBHBBH")
"""struct rtattr, then two of struct inet_diag_bc_op: a test with its jumps, and its port."""
PEER_PORT_AT_LEAST, PEER_PORT_AT_MOST = 4, 5
ACCEPT, REJECT = 8, 12
"""Jumps to the end of a filter (accept), and beyond it (reject)."""
CHUNK = 1 << 17
END = HEADER.size + 4
"""Length of the message that ends a dump (bytes); it arrives alone, or after the last answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One socket as the kernel describes it. If it listens, `unread` is the length of the queue and `unsent` its limit.

    For a connection `unread` are bytes: the kernel counts the peer's FIN as one more (tcp_diag.c).
    """

    family: int
    state: int
    ports: tuple[bytes, bytes]
    addresses: tuple[bytes, bytes]
    unread: int
    unsent: int
    inode: int

    @classmethod
    def at(cls, data: bytes, offset: int) -> "Answer":
        """Parse the answer whose header begins at this offset."""
        family, state, _, _, here, there, source, target, _, _, _, unread, unsent, _, inode = ANSWER.unpack_from(
            data, offset + HEADER.size
        )
        if state == CLOSE_WAIT and unread:
            unread -= 1
        return cls(family, state, (here, there), (source, target), unread, unsent, inode)

    def end(self, which: int) -> tuple[str, int]:
        """Return the address and port of our end (0) or of the peer's (1)."""
        packed = self.addresses[which]
        host = socket.inet_ntop(self.family, packed[:4] if self.family == socket.AF_INET else packed)
        return host, int.from_bytes(self.ports[which], "big")


@dataclass(frozen=True, slots=True)
class Detail:
    """One connection with the values of struct tcp_info; None for what this kernel does not provide.

    `idle` and `silent` are for how long (ms) no data has arrived, and none was sent. `received` are the bytes that
    have arrived, and `written` those that the program has written: acknowledged, in flight or waiting.
    """

    answer: Answer
    idle: int | None
    silent: int | None
    received: int | None
    written: int | None


class Diag:
    """A netlink socket for the kernel's socket tables. Raises OSError if that is unavailable."""

    def __init__(self) -> None:
        try:
            self._link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        except AttributeError:
            raise OSError("this system has no netlink") from None
        self._link.settimeout(0.2)

    def close(self) -> None:
        """Close the descriptor."""
        self._link.close()

    def listening(self, family: int, port: int) -> Iterator[tuple[Answer, int | None]]:
        """Yield the port's listening sockets, and how many connections each has dropped (None if unknown)."""
        for data in self._ask(self._request(family, 1 << LISTEN, port, ext=INET_DIAG_SKMEMINFO), NLM_F_DUMP):
            for offset, length in _messages(data):
                at, size = _find_attribute(data, offset, length, INET_DIAG_SKMEMINFO)
                drops = int(WORD.unpack_from(data, at + DROPS)[0]) if size >= DROPS + WORD.size else None
                yield Answer.at(data, offset), drops

    def unanswered(self, family: int, port: int) -> Iterator[Answer]:
        """Yield this machine's clients of the port whose SYN was not answered."""
        for data in self._ask(self._request(family, 1 << SYN_SENT, 0, port), NLM_F_DUMP):
            for offset, _ in _messages(data):
                yield Answer.at(data, offset)

    def connections(self, family: int, port: int, test: int = 0, peer_port: int = 0) -> list[bytes]:
        """Return all connections of the port as raw answers: see `waiting` and `with_inode`.

        With a `test`, only those whose peer's port is at least, or at most, `peer_port`.
        """
        ask = self._request(family, 1 << ESTABLISHED | 1 << CLOSE_WAIT, port)
        if test:
            ask += FILTER.pack(FILTER.size, INET_DIAG_REQ_BYTECODE, test, ACCEPT, REJECT, 0, 0, peer_port)
        return list(self._ask(ask, NLM_F_DUMP))

    def outgoing(self, family: int) -> list[bytes]:
        """Return all connections of this machine, including those whose SYN was not answered: see `with_inode`."""
        states = 1 << ESTABLISHED | 1 << CLOSE_WAIT | 1 << SYN_SENT
        return list(self._ask(self._request(family, states, 0), NLM_F_DUMP))

    def idle(self, answer: Answer) -> int | None:
        """Return for how long (ms) no data has arrived on a connection; None if it is gone."""
        found = self.one(answer.family, answer.ports, answer.addresses)
        return found.idle if found else None

    def one(self, family: int, ports: tuple[bytes, bytes], addresses: tuple[bytes, bytes]) -> Detail | None:
        """Return the connection with these ends; None if it is gone."""
        ask = REQUEST.pack(
            family, socket.IPPROTO_TCP, 1 << INET_DIAG_INFO - 1, 0xFFFFFFFF, *ports, *addresses, 0, NO_COOKIE
        )
        try:
            for data in self._ask(ask, 0):
                for offset, length in _messages(data):
                    answer = Answer.at(data, offset)
                    if answer.state in (ESTABLISHED, CLOSE_WAIT):  # else it is the listening socket, found instead
                        return _detail(data, offset, length, answer)
        except FileNotFoundError:
            pass
        return None

    def _request(self, family: int, states: int, port: int, peer_port: int = 0, ext: int = 0) -> bytes:
        here, there = struct.pack("!H", port), struct.pack("!H", peer_port)
        extensions = 1 << ext - 1 if ext else 0
        return REQUEST.pack(family, socket.IPPROTO_TCP, extensions, states, here, there, b"", b"", 0, NO_COOKIE)

    def _ask(self, ask: bytes, flags: int) -> Iterator[bytes]:
        """Yield the parts of the reply to one request, each with several answers."""
        header = HEADER.pack(HEADER.size + len(ask), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, 1, 0)
        self._link.send(header + ask)
        while True:
            data = self._link.recv(CHUNK)
            _, kind, *_ = HEADER.unpack_from(data)
            if kind == NLMSG_ERROR:
                error = -struct.unpack_from("=i", data, HEADER.size)[0]
                raise OSError(error, "sock_diag refused")
            if kind == SOCK_DIAG_BY_FAMILY:
                yield data
            if not flags or HEADER.unpack_from(data, len(data) - END)[:2] == (END, NLMSG_DONE):
                return


def waiting(data: bytes) -> Iterator[Answer]:
    """Yield the connections in which something waits: not accepted (no inode yet), unread or unsent bytes.

    All are tested at once, because nearly always nothing waits in any of them.
    """
    words, step = _words(data)
    unread, unsent, inodes = words[UNREAD::step], words[UNSENT::step], words[INODE::step]
    if any(unread) or any(unsent) or 0 in inodes:
        for index, figures in enumerate(zip(unread, unsent, inodes, strict=True)):
            if figures[0] or figures[1] or not figures[2]:
                answer = Answer.at(data, index * step * 4)
                if answer.unread or answer.unsent or not answer.inode:
                    yield answer


def accepted(data: bytes) -> Iterator[Answer]:
    """Yield the connections that a process has accepted, which have an inode."""
    words, step = _words(data)
    for index, inode in enumerate(words[INODE::step]):
        if inode:
            yield Answer.at(data, index * step * 4)


def with_inode(data: bytes, inode: int) -> Answer | None:
    """Return the connection with this inode; None if there is none."""
    words, step = _words(data)
    try:
        return Answer.at(data, words[INODE::step].index(inode) * step * 4)
    except ValueError:
        return None


def with_peer_ports(data: bytes, wanted: Collection[int]) -> Iterator[Answer]:
    """Yield the connections whose peers have one of these ports."""
    _, step = _words(data)
    for index, port in enumerate(peer_ports(data)):
        if port in wanted:
            yield Answer.at(data, index * step * 4)


def without_peer_ports(data: bytes, known: Collection[int]) -> Iterator[Answer]:
    """Yield the connections whose peers have none of these ports."""
    ports = peer_ports(data)
    if unknown := set(ports).difference(known):
        _, step = _words(data)
        for index, port in enumerate(ports):
            if port in unknown:
                yield Answer.at(data, index * step * 4)


def peer_ports(data: bytes) -> "array[int]":
    """Return the ports of the peers of all connections."""
    _, step = _words(data)
    halves = array("H")
    halves.frombytes(data[: len(data) // (step * 4) * step * 4])
    ports = halves[2 * PORTS + 1 :: 2 * step]  # the word has both ports, ours first
    if sys.byteorder == "little":  # they are in network order
        ports.byteswap()
    return ports


def _words(data: bytes) -> tuple["array[int]", int]:
    """Return the answers to one request as four-byte words, and the length of each: all have the same attributes."""
    length = HEADER.unpack_from(data)[0]
    words, step = array("I"), length // 4
    words.frombytes(data[: len(data) // length * length])
    if words[::step].count(length) != len(words) // step:
        raise OSError(f"sock_diag's answers differ in length from {length} bytes")
    return words, step


def _messages(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the offset and length of each message, without those that only end a dump."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, *_ = HEADER.unpack_from(data, offset)
        if kind == SOCK_DIAG_BY_FAMILY:
            yield offset, length
        offset += (length + 3) & ~3


def _detail(data: bytes, offset: int, length: int, answer: Answer) -> Detail:
    at, size = _find_attribute(data, offset, length, INET_DIAG_INFO)

    def figure(place: int, form: struct.Struct = WORD) -> int | None:
        return int(form.unpack_from(data, at + place)[0]) if size >= place + form.size else None

    received, acked = figure(BYTES_RECEIVED, LONG), figure(BYTES_ACKED, LONG)
    if received and answer.state == CLOSE_WAIT:
        received -= 1  # the FIN of the peer
    written = None if acked is None else acked + answer.unsent
    return Detail(answer, figure(LAST_DATA_RECV), figure(LAST_DATA_SENT), received, written)


def _find_attribute(data: bytes, offset: int, length: int, wanted: int) -> tuple[int, int]:
    """Return the offset and size of an attribute's value in a message (struct rtattr); 0 and 0 if it is absent."""
    at, end = offset + HEADER.size + ANSWER.size, offset + length
    while at + ATTRIBUTE.size <= end:
        size, kind = ATTRIBUTE.unpack_from(data, at)
        if kind == wanted:
            return at + ATTRIBUTE.size, min(size, end - at) - ATTRIBUTE.size
        at += max((size + 3) & ~3, ATTRIBUTE.size)
    return 0, 0
