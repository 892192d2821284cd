"""The remote address of a socket, by its inode: the upstream that a thread waits for (Linux: sock_diag(7))."""

import contextlib
from socket import AF_INET, AF_INET6

from echo_servers.records import address_name

from echo_tui.observers.sock_diag import Diag, with_inode

KEPT = 1000
"""The limit of cached connections."""


class Remotes:
    """The remote addresses of connections that are not the server's own clients."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._diag: Diag | None = None

    def of(self, inode: int, ports: set[int]) -> str:
        """Return the remote address of a connection; empty for one of a client, whose local port is one of `ports`."""
        if inode not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[inode] = ""
            with contextlib.suppress(OSError):
                self._diag = self._diag or Diag()
                self._known[inode] = _remote(self._diag, inode, ports)
        return self._known[inode]

    def close(self) -> None:
        """Close the descriptor."""
        if self._diag:
            self._diag.close()
            self._diag = None


def _remote(diag: Diag, inode: int, ports: set[int]) -> str:
    for family in (AF_INET, AF_INET6):
        for data in diag.outgoing(family):
            answer = with_inode(data, inode)
            if answer and answer.end(0)[1] not in ports:
                return address_name(*answer.end(1))
    return ""
