"""The interface for reports, whose methods do nothing: reporting off.

`printed.py` prints the article's lines on stdout, `piped.py` writes records to a pipe.
"""

import _thread
import contextlib
import itertools
import os

from echo_servers.plain import plain

# Bound here, before a monkey patch can replace it with a cooperative one.
thread_id = _thread.get_native_id
write = os.write


class ReportedConnection:
    """A connection in reports: its number in this process, its peer, and the thread that serves it.

    `message` and `read_at` are the bytes that were read and the time, until they are reported. `slot` is its place in
    the counters (0: none), and `words` its memory; `echoes` and `size` count its echoes and their bytes, `listed` and
    `listed_size` those with a record.
    """

    __slots__ = (
        "echoes",
        "listed",
        "listed_size",
        "message",
        "number",
        "peer",
        "read_at",
        "size",
        "slot",
        "tid",
        "words",
    )

    def __init__(self, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self.tid = thread_id()
        self.message = b""
        self.read_at = 0
        self.slot = self.echoes = self.size = self.listed = self.listed_size = 0
        self.words: memoryview | None = None


class Report:
    """Reporting off, and the interface of the other reports."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._out_of_descriptors = self._noted = False

    def listening(self, host: str, port: int, backlog: int) -> None:
        """The listening socket is open."""

    def worker(self, name: str) -> None:
        """The calling thread is a worker of this name."""

    def new(self, peer: str) -> ReportedConnection:
        """A connection has been accepted."""
        self._out_of_descriptors = False
        return ReportedConnection(next(self._numbers), peer)

    def serve(self, conn: ReportedConnection) -> None:
        """The calling thread serves a connection from now on."""

    def recv(self, conn: ReportedConnection, data: bytes) -> None:
        """Bytes have been read from a connection."""

    def send(self, conn: ReportedConnection, data: bytes) -> None:
        """Bytes have been sent back."""

    def waits(self, conn: ReportedConnection) -> None:
        """The thread of a connection is about to wait for room to send."""

    def hand(self, conn: ReportedConnection, helpers: int) -> None:
        """The blocking call of a connection was queued for one of `helpers` helpers."""

    def bye(self, conn: ReportedConnection, error: str = "", refused: bool = False) -> None:
        """A connection has been closed; `refused` if it was because the server can't serve it."""

    def block(self, conn: ReportedConnection, kind: str, seconds: float, cooperative: bool = False) -> None:
        """The blocking call begins."""

    def unblock(self, conn: ReportedConnection) -> None:
        """The blocking call has returned."""

    def threads(self, count: int) -> None:
        """This many native threads are running."""

    def woken(self, in_vain: int) -> None:
        """Event loops were woken this often for a connection that another one accepted; 0 begins the count."""

    def note(self, text: str, code: str = "") -> None:
        """One sentence for the user; `code` is its subject, for programs."""
        with contextlib.suppress(OSError):
            write(2, f"{plain(text)}\n".encode(errors="replace"))

    def out_of_descriptors(self) -> None:
        """accept(2) has no descriptor left; the first time, a sentence reports that."""
        self._out_of_descriptors = True
        if not self._noted:
            self._noted = True
            self.note("out of file descriptors: new clients wait in the accept queue until one leaves")

    def buffer(self) -> None:
        """From now on the server calls `flush` before it waits, so records may be buffered."""

    def flush(self) -> None:
        """Write the buffered records: the server is about to wait or to block."""

    def forked(self) -> None:
        """This is a new worker process, with its own connection numbers."""
        self._numbers = itertools.count(1)
        self._out_of_descriptors = self._noted = False
