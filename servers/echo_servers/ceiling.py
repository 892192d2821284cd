"""A limit on bytes buffered for clients that do not read: it protects the machine, and reaching it is reported."""

import asyncio

from echo_servers.report import Report, ReportedConnection

MIB = 2**20
CEILING = 64 * MIB
REACHED = "ceiling"
"""The code of the note that reports reaching the limit."""


class Ceiling:
    """The transports of clients that read too slowly, and the bytes buffered for them in this process."""

    def __init__(self, report: Report, limit: int = CEILING) -> None:
        self._report = report
        self._limit = limit
        self._behind: dict[asyncio.Transport, ReportedConnection] = {}
        self._stopped: set[asyncio.Transport] = set()

    def watch(self, transport: asyncio.Transport, conn: ReportedConnection) -> None:
        """Note that a client reads too slowly."""
        self._behind[transport] = conn

    def forget(self, transport: asyncio.Transport) -> None:
        """Note that a client has caught up or left; reading from it may resume."""
        self._behind.pop(transport, None)
        if transport in self._stopped:
            self._stopped.remove(transport)
            transport.resume_reading()

    def check(self, transport: asyncio.Transport) -> None:
        """Stop reading from a slow client once too much is buffered in all."""
        if transport not in self._behind or transport in self._stopped:
            return
        if sum(each.get_write_buffer_size() for each in self._behind) > self._limit:
            self._stopped.add(transport)
            transport.pause_reading()
            peer, limit = self._behind[transport].peer, self._limit // MIB
            text = f"ceiling of {limit} MiB unsent: nothing more is taken from {peer} until it reads"
            self._report.note(text, REACHED)
