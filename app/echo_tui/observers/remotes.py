"""Whom a socket is connected to, by its inode (Linux: proc(5), /proc/net/tcp): the upstream that a thread waits for."""

from echo_servers.records import address_name

from echo_tui.observers.targets import TABLES, host_of

KEPT = 1000
"""Connections remembered; each lookup of a new one reads the whole table, which takes 13 ms for 2,000 connections."""


class Remotes:
    """The remote addresses of connections that are not the server's own clients."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, inode: int, ports: set[int]) -> str:
        """Return where a connection leads; empty for one of a client, whose local port is one of `ports`."""
        if inode not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[inode] = _remote(inode, ports)
        return self._known[inode]


def _remote(inode: int, ports: set[int]) -> str:
    for table, family in TABLES:
        try:
            with open(table, encoding="ascii") as lines:
                next(lines)
                for line in lines:
                    fields = line.split()
                    if fields[9] == str(inode) and int(fields[1].rpartition(":")[2], 16) not in ports:
                        address, _, port = fields[2].partition(":")
                        return address_name(host_of(address, family), int(port, 16)) if int(port, 16) else ""
        except OSError:
            continue
    return ""
