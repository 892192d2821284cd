"""The article's lines on stdout, for a standalone server."""

import _thread
import fcntl
import os
import select
from typing import NoReturn

from echo_servers.ending import BROKEN_PIPE, FAILED, end
from echo_servers.records import address_name
from echo_servers.report import Report, ReportedConnection, write

# Bound here, before a monkey patch can replace it with a cooperative one.
_select = select.select


class PrintedReport(Report):
    """The article's lines on stdout, unbuffered and complete, whichever worker prints them.

    A pipe may split a line longer than PIPE_BUF, so workers lock stdout: threads by a lock, processes by a record
    lock, which the kernel releases when its holder is killed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads_turn = _thread.allocate_lock()
        self._processes_turn = _empty_file()

    def _print(self, line: str) -> None:
        data = line.encode()
        with self._threads_turn:
            fcntl.lockf(self._processes_turn, fcntl.LOCK_EX)
            try:
                while data:
                    try:
                        data = data[write(1, data) :]
                    except BlockingIOError:
                        _select([], [1], [])
            except OSError as error:
                _end(error)
            finally:
                fcntl.lockf(self._processes_turn, fcntl.LOCK_UN)

    def new(self, peer: str) -> ReportedConnection:
        self._print(f"New client: {peer}\n")
        return super().new(peer)

    def recv(self, conn: ReportedConnection, data: bytes) -> None:
        self._print(f"Recv: {data!r} from {conn.peer}\n")

    def send(self, conn: ReportedConnection, data: bytes) -> None:
        self._print(f"Send: {data!r} to {conn.peer}\n")

    def bye(self, conn: ReportedConnection, error: str = "", refused: bool = False) -> None:
        self._print(f"Bye-Bye: {conn.peer}\n")

    def block(self, conn: ReportedConnection, kind: str, seconds: float, cooperative: bool = False) -> None:
        self._print("Go to sleep...\n" if kind == "sleep" else f"Block: {kind} {seconds:g} s\n")

    def threads(self, count: int) -> None:
        self._print(f"{count}\n")

    def listening(self, host: str, port: int, backlog: int) -> None:
        self.note(f"serving {address_name(host, port)}, Ctrl-C ends it")


def _end(error: OSError) -> NoReturn:
    """End the server, from whichever worker detects that its lines can't be written."""
    if isinstance(error, BrokenPipeError):
        end(BROKEN_PIPE, "nobody reads the lines any more")
    end(FAILED, f"stdout takes no more: {error.strerror}")


def _empty_file() -> int:
    """Return the descriptor of an unnamed file, in memory if possible; nothing is ever written to it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("echo-tui")
    import tempfile

    with tempfile.TemporaryFile() as made:
        return os.dup(made.fileno())
