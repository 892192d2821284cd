"""Whether one of some processes listens on a port, by the descriptors that it holds (psutil)."""

from collections.abc import Iterable

import psutil


def listens(pids: Iterable[int], port: int) -> bool:
    """Return whether one of these processes holds a listening TCP socket of this port; False where that is unknown."""
    for pid in pids:
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except (psutil.Error, OSError):  # it has just ended, or is somebody else's
            continue
        if any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections):
            return True
    return False
