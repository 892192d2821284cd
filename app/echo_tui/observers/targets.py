"""Find the server that a target identifies: a process, a port or an address of this machine (Linux: proc(5)).

A server is the processes that have a listening socket, by its inode, with all their descendants. With SO_REUSEPORT
several sockets share an address; they are one server.
"""

import contextlib
import os
import pwd
import re
import socket
import struct
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from echo_servers.plain import plain
from echo_servers.records import address_name
from echo_servers.server import BadRequest

from echo_tui.words import watching as words

LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp (include/net/tcp_states.h)."""
TABLES = (("/proc/net/tcp", socket.AF_INET), ("/proc/net/tcp6", socket.AF_INET6))
SOCKET = re.compile(r"^socket:\[(\d+)\]$")
SEARCH = 5.0
"""How often (s) the descriptors of all processes are read."""
NEAREST = 3
"""The number of listeners suggested if none is on the requested port."""


class NotPermitted(Exception):
    """A right is missing; the message is one sentence that names it."""


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket of this machine's network namespace."""

    host: str
    port: int
    inode: int
    uid: int

    @property
    def address(self) -> str:
        """The address, as a user types it."""
        return address_name(self.host, self.port)


@dataclass(frozen=True)
class AttachTarget:
    """A server: its address, its listening sockets, and the processes that have them, the oldest first."""

    host: str
    port: int
    inodes: frozenset[int]
    pids: tuple[int, ...]

    @property
    def address(self) -> str:
        """The address, as a user types it."""
        return address_name(self.host, self.port)

    @property
    def pid(self) -> int:
        """The pid of the oldest process."""
        return self.pids[0]

    @property
    def command(self) -> str:
        """The command line of the oldest process; empty if it has ended."""
        with contextlib.suppress(psutil.Error, OSError):
            return " ".join(psutil.Process(self.pid).cmdline())
        return ""


def looks_like_target(text: str) -> bool:
    """Return whether a word is a process id, a port or an address, and not a pattern's name."""
    return text.isdecimal() or bool(re.fullmatch(r"\S*:\d+", text))


def listeners() -> list[Listener]:
    """Return all listening TCP sockets. Raises BadRequest if the system does not show them."""
    found = []
    for table, family in TABLES:
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN:
                address, _, port = fields[1].partition(":")
                found.append(Listener(host_of(address, family), int(port, 16), int(fields[9]), int(fields[7])))
    if not found and not os.path.exists(TABLES[0][0]):
        raise BadRequest("this system does not show who listens: only Linux has /proc/net/tcp")
    return found


def listening_on(port: int) -> frozenset[int]:
    """Return the inodes of the sockets that listen on a port; empty if the system does not show them."""
    with contextlib.suppress(BadRequest):
        return frozenset(one.inode for one in listeners() if one.port == port)
    return frozenset()


def find_target(text: str, port: int | None = None) -> AttachTarget:
    """Return the server that a process id, `:PORT` or `HOST:PORT` identifies; `port` selects one of several listeners.

    Raises BadRequest if there is none, and NotPermitted if its processes are not visible.
    """
    return _of_process(int(text), port) if text.isdecimal() else _of_address(text)


def find_again(target: AttachTarget) -> AttachTarget | None:
    """Return the server that now listens at the address of an ended target; None if there is none."""
    with contextlib.suppress(BadRequest, NotPermitted):
        return _of_address(target.address)
    return None


def owners(inodes: Collection[int]) -> tuple[int, ...]:
    """Return the processes that have one of these sockets, in the order of their start."""
    names = {f"socket:[{inode}]" for inode in inodes}
    found = [pid for pid in psutil.pids() if any(name in names for name in _links(pid))]
    return tuple(sorted(found, key=_started))


class Owners:
    """The processes that have certain sockets. Reading the descriptors of all processes is slow, and done rarely."""

    def __init__(self, inodes: Collection[int]) -> None:
        self._names = {f"socket:[{inode}]" for inode in inodes}
        self._holders: dict[int, str] = {}
        """For each process, the path of a descriptor that is one of the sockets."""
        self._searched = -SEARCH

    def now(self) -> tuple[int, ...]:
        """Return the processes. One that inherits a socket from an unknown process is found within `SEARCH` seconds."""
        holders = {pid: path for pid, path in self._holders.items() if _leads_to(path, self._names)}
        if not holders or len(holders) < len(self._holders) or time.monotonic() - self._searched >= SEARCH:
            self._searched = time.monotonic()
            holders = {pid: path for pid in psutil.pids() if (path := self._path(pid))}
        self._holders = holders
        return tuple(holders)

    def _path(self, pid: int) -> str:
        """Return the path of a descriptor of a process that is one of the sockets; empty if it has none."""
        known = self._holders.get(pid, "")
        if known and _leads_to(known, self._names):
            return known
        return next((path for path, link in _descriptors(pid) if link in self._names), "")


def process_name(pid: int) -> str:
    """Return a process as it is listed: its id, its user and its command line."""
    with contextlib.suppress(psutil.Error, OSError):
        return f"{pid:>7}  {_user(pid):<10} {plain(' '.join(psutil.Process(pid).cmdline()))}"
    return str(pid)


def family(pids: Iterable[int]) -> set[int]:
    """Return these processes and all their descendants."""
    found = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError):
            found |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    return found


def owners_of(inodes: Collection[int], pids: Iterable[int]) -> dict[int, int]:
    """Return which process has which socket, by inode; of several, the first."""
    found: dict[int, int] = {}
    for pid in pids:
        for inode in _sockets(pid) & set(inodes):
            found.setdefault(inode, pid)
    return found


def _of_address(text: str) -> AttachTarget:
    host, _, number = text.rpartition(":")
    port = int(number)
    known = listeners()
    wanted = _addresses(host.strip("[]"))
    those = [one for one in known if one.port == port and (not wanted or one.host in wanted)]
    if not those:
        raise BadRequest(f"nobody listens on {text}{_nearest(known, port)}")
    return _target(those[0], known)


def _of_process(pid: int, port: int | None) -> AttachTarget:
    if not psutil.pid_exists(pid):
        raise BadRequest(f"there is no process {pid}")
    if not _may_see(pid):
        raise NotPermitted(f"process {pid} belongs to {_user(pid)}: run as that user, or with CAP_SYS_PTRACE")
    if not _same_network(pid):
        raise BadRequest(f"process {pid} is in another network namespace (a container?): run echo-tui inside it")
    inodes = {inode for each in family([pid]) for inode in _sockets(each)}
    known = listeners()
    those = [one for one in known if one.inode in inodes and port in (None, one.port)]
    if not those:
        raise BadRequest(f"process {pid} listens nowhere{words.on_port(port)}, and neither do its children")
    if len({(one.host, one.port) for one in those}) > 1:
        ports = ", ".join(sorted(one.address for one in those))
        raise BadRequest(f"process {pid} listens on several addresses: choose one of {ports} with --port")
    return _target(those[0], known)


def _target(one: Listener, known: Iterable[Listener]) -> AttachTarget:
    inodes = frozenset(each.inode for each in known if (each.host, each.port) == (one.host, one.port))
    pids = owners(inodes)
    if not pids:
        name = _user_name(one.uid)
        raise NotPermitted(f"the process that listens on {one.address} belongs to {name}: run as that user, or as root")
    return AttachTarget(one.host, one.port, inodes, pids)


def _nearest(known: Iterable[Listener], port: int) -> str:
    near = sorted({one.port: one for one in known}.values(), key=lambda one: abs(one.port - port))[:NEAREST]
    return words.nearest([one.address for one in near])


def _addresses(host: str) -> set[str]:
    """Return the addresses of a host, including wildcard addresses; empty for any. Raises BadRequest."""
    if not host:
        return set()
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except OSError as error:
        raise BadRequest(f"host {host!r} does not resolve: {error.strerror}") from None
    return found | {"0.0.0.0", "::"}


def host_of(packed: str, family: int) -> str:
    """Return an address of /proc/net/tcp, whose four-byte words are in the machine's byte order."""
    words = [int(packed[place : place + 8], 16) for place in range(0, len(packed), 8)]
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))


def _links(pid: int) -> Iterator[str]:
    """Yield the targets of a process's descriptors; nothing if they can't be read."""
    return (link for _, link in _descriptors(pid))


def _descriptors(pid: int) -> Iterator[tuple[str, str]]:
    """Yield the path and target of each descriptor of a process; nothing if they can't be read."""
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                yield f"{folder}/{name}", os.readlink(f"{folder}/{name}")


def _leads_to(path: str, names: Collection[str]) -> bool:
    try:
        return os.readlink(path) in names
    except OSError:
        return False


def _sockets(pid: int) -> set[int]:
    return {int(found[1]) for link in _links(pid) if (found := SOCKET.match(link))}


def _may_see(pid: int) -> bool:
    return os.access(f"/proc/{pid}/fd", os.R_OK)


def _same_network(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
    except OSError:
        return True


def _started(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return float("inf")


def _user(pid: int) -> str:
    try:
        return _user_name(os.stat(f"/proc/{pid}").st_uid)
    except OSError:
        return words.another_user()


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
