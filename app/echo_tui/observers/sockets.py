"""Queued connections, unread bytes and unsent bytes of a port, by sock_diag(7) (Linux).

A connection in the accept queue belongs to no process yet, so it has no inode. Twenty samples per second show the
begin of a wait to within 50 ms; the kernel's own clock (time since the last data in tcp_info) shows it to the
millisecond, and is read once for each wait.
"""

import errno
import functools
import socket
import struct
import time
from collections.abc import Collection, Iterator, Sequence

from echo_servers.records import MAPPED, address_name

from echo_tui.model.evidence import Socket
from echo_tui.model.observations import SocketSample
from echo_tui.observers.pace import Pace
from echo_tui.observers.sock_diag import (
    PEER_PORT_AT_LEAST,
    PEER_PORT_AT_MOST,
    Answer,
    Detail,
    Diag,
    accepted,
    peer_ports,
    waiting,
    with_inode,
    with_peer_ports,
    without_peer_ports,
)
from echo_tui.words import evidence as words

FEW = 32
"""Up to this many known connections are queried one by one.

Reading the kernel's table costs more, and much more on a machine with many other connections or many that were closed
recently (TIME_WAIT).
"""
WHOLE = 5_000_000_000
"""How often (ns) the whole table is still read, to find unreported connections."""
MANY = 512
"""With more connections than this, a sample reads one half of them, and the next sample the other half.

Connections that were seen waiting are queried each time.
"""
ASKED = 32
"""Connections whose wait time is queried in one sample; each costs a system call."""
AFRESH = 100
"""Samples after which all connections are read, to divide them into halves again."""
OTHER = {PEER_PORT_AT_LEAST: PEER_PORT_AT_MOST, PEER_PORT_AT_MOST: PEER_PORT_AT_LEAST}
FOR_EVER = (errno.ENOENT, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP)
"""Errors of a kernel without this service, or one that denies it to us; other errors may be temporary."""


ANY = ("0.0.0.0", "::")


class SocketSampler:
    """The sockets of one port."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.missing = ""
        """Why the evidence is unavailable; empty while it is available."""
        self._diag: Diag | None = None
        self._halves = Halves()
        self._peers: dict[int, str] = {}
        self._walked = 0
        self._known: set[str] = set()

    def sample(
        self,
        port: int,
        host: str,
        peers: Collection[str] | None = None,
        wanted: Collection[str] = (),
        others_than: Collection[str] | None = None,
        urgent: bool = False,
    ) -> SocketSample | None:
        """Return what waits at the address that a server listens on; None if no sample is due, or none is possible.

        A server on `::` has IPv4 clients too. `peers` are the known clients, None if there may be others. The sample
        describes those that are `wanted` in any case, and finds accepted ones that are not in `others_than`. While it
        is `urgent`, a sample may cost more.
        """
        if self.missing or not self.pace.is_due(urgent):
            return None
        with self.pace:
            try:
                self._diag = self._diag or Diag()
                sample = self._sample(self._diag, port, host, peers, wanted)
                if others_than is not None:
                    self._add_others(host, others_than, sample)
                self.pace.calm = not any(s.unread or s.unsent or not s.accepted for s in sample.sockets)
                return sample
            except OSError as error:
                self.close()
                if error.errno is None or error.errno in FOR_EVER:
                    self.missing = words.missing("no-sock-diag", error)
                return None

    def peer_of(self, inode: int) -> str:
        """Return the client of the connection with this inode at the last sample; empty if there is none."""
        if not inode or inode in self._peers:
            return self._peers.get(inode, "")
        for data in self._halves.answers:
            if answer := with_inode(data, inode):
                return address_name(*answer.end(1))
        return ""

    def inodes(self) -> dict[str, int]:
        """Return the inodes of accepted connections at the last samples, by the clients' addresses."""
        found = {
            address_name(*answer.end(1)): answer.inode for data in self._halves.answers for answer in accepted(data)
        }
        return {**found, **{peer: inode for inode, peer in self._peers.items()}}

    def close(self) -> None:
        """Close the descriptor."""
        if self._diag:
            self._diag.close()
            self._diag = None

    def _sample(
        self, diag: Diag, port: int, host: str, peers: Collection[str] | None, wanted: Collection[str]
    ) -> SocketSample:
        sample = SocketSample(time.monotonic_ns(), None, None, None, [], [], self.pace.interval * self._halves.count)
        families = _families(host)
        for family in families:
            ours = _at(family, host)
            for answer, drops in diag.listening(family, port):  # with SO_REUSEPORT there are several
                if answer.addresses[0].startswith(ours):
                    sample.queue = (sample.queue or 0) + answer.unread
                    sample.limit = (sample.limit or 0) + answer.unsent
                    sample.dropped = (sample.dropped or 0) + drops if drops is not None else sample.dropped
        one_by_one = peers is not None and len(peers) <= FEW and not sample.queue and host not in ANY
        if one_by_one and sample.at - self._walked < WHOLE:
            assert peers is not None
            self._look_up(diag, families[0], port, host, peers, wanted, sample)
        else:
            self._walk(diag, families, port, host, wanted, sample)
            described = {found.peer for found in sample.sockets}
            missing = [peer for peer in wanted if peer not in described][:ASKED]
            if host in ANY:
                self._find(diag, missing, sample)
            else:
                self._look_up(diag, families[0], port, host, missing, missing, sample)
        return sample

    def _walk(
        self, diag: Diag, families: tuple[int, ...], port: int, host: str, wanted: Collection[str], sample: SocketSample
    ) -> None:
        """Find what waits by reading the whole table."""
        self._walked = sample.at
        self._peers = {}
        found = [a for a in self._halves.walk(diag, families, port) if a.addresses[0].startswith(_at(a.family, host))]
        for family in families:
            ours = _at(family, host)
            if sample.queue is not None and sample.limit is not None and sample.queue > sample.limit:
                clients = [a for a in diag.unanswered(family, port) if a.addresses[1].startswith(ours)]
                sample.unanswered += [address_name(*answer.end(0)) for answer in clients]
        self._describe(diag, found, wanted, sample)

    def _look_up(
        self, diag: Diag, family: int, port: int, host: str, peers: Collection[str], wanted: Collection[str],
        sample: SocketSample,
    ) -> None:  # fmt: skip
        """Query known connections one by one."""
        here, ours = struct.pack("!H", port), _at(family, host)
        for peer in peers:
            address, _, number = peer.rpartition(":")
            try:
                ends = (here, struct.pack("!H", int(number))), (ours, _at(family, address.strip("[]")))
            except (ValueError, OSError, struct.error):  # not an address of this family
                continue
            if not (found := diag.one(family, *ends)):
                continue
            if found.answer.inode:  # queued connections have none yet
                self._peers[found.answer.inode] = peer
            if waits(found.answer) or peer in wanted:
                sample.sockets.append(_socket(peer, found))

    def _find(self, diag: Diag, peers: Collection[str], sample: SocketSample) -> None:
        """Query known connections whose local address only the table shows (the server listens on all addresses)."""
        left = set(peers)  # one may be in an older answer too
        ports = {int(number) for peer in peers if (number := peer.rpartition(":")[2]).isdecimal()}
        for data in tuple(self._halves.answers) if ports else ():
            for answer in with_peer_ports(data, ports):
                peer = address_name(*answer.end(1))
                if peer in left and (found := diag.one(answer.family, answer.ports, answer.addresses)):
                    left.remove(peer)
                    sample.sockets.append(_socket(peer, found))

    def _add_others(self, host: str, known: Collection[str], sample: SocketSample) -> None:
        """Add accepted connections of the last table that are not known, although nothing waits in them."""
        described = {socket.peer for socket in sample.sockets}
        ports = set(map(port_of, known))
        for data in self._halves.answers:
            for answer in without_peer_ports(data, ports):
                peer = address_name(*answer.end(1))
                if answer.addresses[0].startswith(_at(answer.family, host)) and peer not in described and answer.inode:
                    described.add(peer)
                    sample.sockets.append(Socket(peer, answer.unread, answer.unsent, True, None))

    def _describe(self, diag: Diag, answers: list[Answer], wanted: Collection[str], sample: SocketSample) -> None:
        before, self._known = self._known, set()
        asked = 0
        for answer in answers:
            peer = address_name(*answer.end(1))
            found = None
            if answer.unread or not answer.inode:
                if (peer not in before or peer in wanted) and asked < ASKED:
                    asked += 1
                    found = diag.one(answer.family, answer.ports, answer.addresses)
                self._known.add(peer)
            plain = Socket(peer, answer.unread, answer.unsent, bool(answer.inode))
            sample.sockets.append(_socket(peer, found) if found else plain)


@functools.lru_cache(maxsize=1 << 15)
def port_of(peer: str) -> int:
    """Return the port of an address; 0 if it has none."""
    number = peer.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _socket(peer: str, found: Detail) -> Socket:
    answer = found.answer
    return Socket(
        peer, answer.unread, answer.unsent, bool(answer.inode), found.idle, found.received, found.written, found.silent
    )


def _families(host: str) -> tuple[int, ...]:
    if ":" not in host:
        return (socket.AF_INET,)
    return (socket.AF_INET, socket.AF_INET6) if host == "::" else (socket.AF_INET6,)


def _at(family: int, host: str) -> bytes:
    """Return the first bytes of our address in a connection; empty if the server listens on all addresses."""
    if host in ANY:
        return b""
    mapped = MAPPED if family == socket.AF_INET6 and ":" not in host else ""
    return socket.inet_pton(family, mapped + host.partition("%")[0])


class Halves:
    """The connections of a port, read in one sample, or in two halves if there are many.

    The kernel spends most of the time on describing connections, and nearly always nothing waits in them.
    """

    def __init__(self) -> None:
        self._answers: dict[int, list[bytes]] = {}
        self._waiting: dict[int, list[Answer]] = {}
        self._middle = 0
        self._test = 0
        self._since_all = 0

    @property
    def count(self) -> int:
        """The number of samples needed to read all connections."""
        return 2 if self._middle else 1

    @property
    def answers(self) -> Iterator[bytes]:
        """The latest answers for each part."""
        return (data for parts in self._answers.values() for data in parts)

    def walk(self, diag: Diag, families: Sequence[int], port: int) -> list[Answer]:
        """Return what waits in the part that is read; waiting connections of the other half are queried one by one."""
        self._test = self._next()
        if not self._test:
            return self._walk_all(diag, families, port)
        limit = self._middle - (self._test == PEER_PORT_AT_MOST)
        answers = [data for f in families for data in diag.connections(f, port, self._test, limit)]
        self._answers[self._test] = answers
        if len(self._answers) == 3:  # both halves are newer than the whole
            del self._answers[0]
        other = OTHER[self._test]
        again = (diag.one(a.family, a.ports, a.addresses) for a in self._waiting[other])
        self._waiting[other] = [found.answer for found in again if found and waits(found.answer)]
        self._waiting[self._test] = [answer for data in answers for answer in waiting(data)]
        return self._waiting[self._test] + self._waiting[other]

    def _walk_all(self, diag: Diag, families: Sequence[int], port: int) -> list[Answer]:
        answers = [data for family in families for data in diag.connections(family, port)]
        found = [answer for data in answers for answer in waiting(data)]
        ports = sorted(peer for data in answers for peer in peer_ports(data))
        self._answers = {0: answers}
        self._middle = ports[len(ports) // 2] if len(ports) > MANY else 0
        self._waiting = {PEER_PORT_AT_LEAST: [], PEER_PORT_AT_MOST: []}
        for answer in found:
            upper = int.from_bytes(answer.ports[1], "big") >= self._middle
            self._waiting[PEER_PORT_AT_LEAST if upper else PEER_PORT_AT_MOST].append(answer)
        return found

    def _next(self) -> int:
        """Return the next part: a half, or 0 for all, which is read now and then and while much waits."""
        self._since_all += 1
        if not self._middle or self._since_all > AFRESH or sum(map(len, self._waiting.values())) > ASKED:
            self._since_all = 0
            return 0
        return OTHER.get(self._test, PEER_PORT_AT_LEAST)


def waits(answer: Answer) -> bool:
    """Return whether anything waits in a connection: to be accepted, to be read, or to be sent."""
    return bool(answer.unread or answer.unsent or not answer.inode)
