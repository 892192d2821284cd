"""Where to connect, and why a connection could not be had or has ended, by code."""

import errno
import os
import resource
from typing import NamedTuple

from echo_servers.listener import OUT_OF_DESCRIPTORS, resolve
from echo_servers.listener import name as address_name
from echo_servers.server import BadRequest

from echo_tui.model.endings import Ending


class Destination(NamedTuple):
    """An address to connect to, by its printed name; without an address, the name says why there is none."""

    name: str
    address: tuple[str | int, ...] | None
    family: int = 0

    @classmethod
    def find(cls, host: str, port: int) -> "Destination":
        """Resolve a host as a server does. A name that only a distant resolver knows blocks the client process."""
        try:
            family, address = resolve(host, port)
        except BadRequest as refusal:
            return cls(str(refusal), None)
        return cls(address_name((str(address[0]), int(address[1]))), address, family)


class Failure(NamedTuple):
    """The end of a connection: its code, or the system's message, and what that is about, such as the address."""

    how: str
    about: str = ""


def failed(error: OSError, target: Destination) -> Failure:
    """Return why a connection could not be had."""
    match error.errno:
        case number if number in OUT_OF_DESCRIPTORS:
            return Failure(Ending.NO_DESCRIPTORS, str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        case errno.ETIMEDOUT:
            return Failure(Ending.NO_ANSWER, target.name)
        case errno.ENETUNREACH | errno.EHOSTUNREACH:
            return Failure(Ending.UNREACHABLE, target.name)
        case errno.EADDRNOTAVAIL:
            return Failure(Ending.NO_LOCAL_PORT, target.name)
        case errno.ENOTCONN | errno.ECONNRESET:
            return Failure(Ending.SERVER_RESET)
        case errno.ECONNREFUSED | None:
            return Failure(Ending.REFUSED, target.name)
        case number:
            return Failure(Ending.CANNOT_CONNECT, f"{target.name}: {os.strerror(number)}")


def broken(error: OSError) -> Failure:
    """Return what ended an established connection."""
    match error.errno:
        case errno.ECONNRESET:
            return Failure(Ending.SERVER_RESET)
        case errno.EPIPE | errno.ENOTCONN:
            return Failure(Ending.SERVER_CLOSED)
        case errno.ETIMEDOUT:
            return Failure(Ending.NO_LONGER_ANSWERS)
        case number:
            return Failure(os.strerror(number or 0))
