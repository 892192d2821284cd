"""Where to connect, and what went wrong, in words for the user."""

import errno
import os
import resource
from typing import NamedTuple

from echo_servers.listener import OUT_OF_DESCRIPTORS, resolve
from echo_servers.listener import name as address_name
from echo_servers.server import BadRequest

from echo_tui.model.endings import Ending


class Target(NamedTuple):
    """An address to connect to, by its printed name; without an address, the name says why there is none."""

    name: str
    address: tuple[str | int, ...] | None
    family: int = 0

    @classmethod
    def find(cls, host: str, port: int) -> "Target":
        """Resolve a host as a server does. A name that only a distant resolver knows blocks the client process."""
        try:
            family, address = resolve(host, port)
        except BadRequest as refusal:
            return cls(str(refusal), None)
        return cls(address_name((str(address[0]), int(address[1]))), address, family)


def failed(error: OSError, target: Target) -> str:
    """Why a connection could not be had."""
    match error.errno:
        case number if number in OUT_OF_DESCRIPTORS:
            return f"out of file descriptors: a process may have {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
        case errno.ETIMEDOUT:
            return f"no answer from {target.name}"
        case errno.ENETUNREACH | errno.EHOSTUNREACH:
            return f"{target.name} can't be reached"
        case errno.EADDRNOTAVAIL:
            return f"no free local port to reach {target.name}"
        case errno.ENOTCONN | errno.ECONNRESET:
            return Ending.SERVER_RESET
        case errno.ECONNREFUSED | None:
            return f"refused: nobody listens on {target.name}"
        case number:
            return f"can't connect to {target.name}: {os.strerror(number)}"


def broken(error: OSError) -> str:
    """What ended a connection that was there."""
    match error.errno:
        case errno.ECONNRESET:
            return Ending.SERVER_RESET
        case errno.EPIPE | errno.ENOTCONN:
            return Ending.SERVER_CLOSED
        case errno.ETIMEDOUT:
            return "the server stopped answering"
        case number:
            return os.strerror(number or 0)
