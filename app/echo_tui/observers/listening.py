"""Whether a process listens on a port, by its open descriptors (psutil)."""

from collections.abc import Iterable

import psutil


def listens(pids: Iterable[int], port: int) -> bool:
    """Return whether one of these processes has a listening TCP socket on this port; False if that is unknown."""
    for pid in pids:
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except (psutil.Error, OSError):  # it has just ended, or belongs to another user
            continue
        if any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections):
            return True
    return False
