"""What a server says about itself: nothing, the article's lines on stdout, or records on a pipe.

A report must not change what is reported. The pipe is non-blocking and never waits for its reader; the
records of one message go out in one write; and the write keeps the GIL, because a system call that gives it
up would let another thread run where the unwatched server lets none. An event loop calls `hold` once and
then `flush` before each wait, so that it writes once a turn.
"""

import _thread
import contextlib
import ctypes
import errno
import os
import select
import time
from collections import deque

import msgspec

from servers.records import (
    Block,
    Bye,
    Listening,
    Lost,
    New,
    Note,
    Recv,
    Reported,
    Send,
    Serve,
    Threads,
    Unblock,
    Worker,
    preview,
)

# Bound here, before a monkey patch can put a cooperative one in their place.
_clock = time.monotonic_ns
_thread_id = _thread.get_native_id
_write_all = os.write

PIPE_BUF = select.PIPE_BUF
BATCH = 32
"""Records encoded at once; this many of usual size fit into one atomic write."""
KEPT = 4096
"""Openings and closings kept for the next write when the pipe is full; beyond that they are counted as lost."""
TEXT = 400
"""Characters of a sentence that fit into one line of the pipe with certainty."""


class Connection:
    """A connection as reports name it: its number in this process, its peer, and the thread that serves it."""

    __slots__ = ("number", "peer", "tid")

    def __init__(self, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self.tid = _thread_id()


class Report:
    """Says nothing: a server with reporting off, and the interface of the others."""

    def __init__(self) -> None:
        self._count = 0

    def listening(self, host: str, port: int, backlog: int) -> None:
        """The listening socket is open."""

    def worker(self, name: str) -> None:
        """The calling thread is a worker of this name."""

    def new(self, peer: str) -> Connection:
        """A connection has been accepted."""
        self._count += 1
        return Connection(self._count, peer)

    def serve(self, conn: Connection) -> None:
        """The calling thread serves a connection from now on."""

    def recv(self, conn: Connection, data: bytes) -> None:
        """Bytes have been taken from a connection."""

    def send(self, conn: Connection, data: bytes) -> None:
        """Bytes have been sent back."""

    def bye(self, conn: Connection, error: str = "") -> None:
        """A connection has been closed."""

    def block(self, conn: Connection, kind: str, seconds: float) -> None:
        """The blocking call begins."""

    def unblock(self, conn: Connection) -> None:
        """The blocking call has returned."""

    def threads(self, count: int) -> None:
        """So many native threads are running."""

    def note(self, text: str) -> None:
        """One sentence for whoever watches."""
        with contextlib.suppress(OSError):
            _write_all(2, f"{text}\n".encode(errors="replace"))

    def hold(self) -> None:
        """From now on the server calls `flush` before it waits, so nothing need be written sooner."""

    def flush(self) -> None:
        """Write what is held: the server is about to wait or to block."""

    def forked(self) -> None:
        """This is a new worker process: it counts its own connections."""
        self._count = 0


class Printed(Report):
    """The article's lines on stdout, unbuffered: each line is one write, so that workers' lines never merge."""

    def _print(self, line: str) -> None:
        data = line.encode()
        while data:
            data = data[_write_all(1, data) :]

    def new(self, peer: str) -> Connection:
        self._print(f"New client: {peer}\n")
        return super().new(peer)

    def recv(self, conn: Connection, data: bytes) -> None:
        self._print(f"Recv: {data!r} from {conn.peer}\n")

    def send(self, conn: Connection, data: bytes) -> None:
        self._print(f"Send: {data!r} to {conn.peer}\n")

    def bye(self, conn: Connection, error: str = "") -> None:
        self._print(f"Bye-Bye: {conn.peer}\n")

    def block(self, conn: Connection, kind: str, seconds: float) -> None:
        self._print("Go to sleep...\n" if kind == "sleep" else f"Block: {kind} {seconds:g} s\n")

    def threads(self, count: int) -> None:
        self._print(f"{count}\n")

    def listening(self, host: str, port: int, backlog: int) -> None:
        self.note(f"serving {host}:{port}, Ctrl-C ends it")


class Piped(Report):
    """Records on a non-blocking pipe: what does not fit is counted, and the loss reported when there is room."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        os.set_blocking(fd, False)
        self._fd = fd
        self._pid = os.getpid()
        self._held = False
        self._pending: deque[Reported] = deque()
        self._owed: list[Reported] = []
        self._lost = Lost(0, 0, 0)
        self._flushing = _thread.allocate_lock()
        self._encoder = msgspec.json.Encoder()
        libc = ctypes.PyDLL(None, use_errno=True)
        self._write = libc.write
        self._write.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
        self._write.restype = ctypes.c_ssize_t

    def listening(self, host: str, port: int, backlog: int) -> None:
        self._say(Listening(_clock(), self._pid, _thread_id(), host, port, backlog))

    def worker(self, name: str) -> None:
        self._say(Worker(_clock(), self._pid, _thread_id(), name))

    def new(self, peer: str) -> Connection:
        conn = super().new(peer)
        self._say(New(_clock(), self._pid, conn.tid, conn.number, peer))
        return conn

    def serve(self, conn: Connection) -> None:
        tid = _thread_id()
        if tid != conn.tid:
            conn.tid = tid
            self._say(Serve(_clock(), self._pid, tid, conn.number))

    def recv(self, conn: Connection, data: bytes) -> None:
        self._pending.append(Recv(_clock(), self._pid, conn.tid, conn.number, len(data), preview(data)))

    def send(self, conn: Connection, data: bytes) -> None:
        self._pending.append(Send(_clock(), self._pid, conn.tid, conn.number, len(data), preview(data)))
        if not self._held:
            self.flush()

    def bye(self, conn: Connection, error: str = "") -> None:
        self._say(Bye(_clock(), self._pid, _thread_id(), conn.number, error[:TEXT]))

    def block(self, conn: Connection, kind: str, seconds: float) -> None:
        self._pending.append(Block(_clock(), self._pid, _thread_id(), conn.number, kind, seconds))
        self.flush()

    def unblock(self, conn: Connection) -> None:
        self._say(Unblock(_clock(), self._pid, _thread_id(), conn.number))

    def threads(self, count: int) -> None:
        self._say(Threads(_clock(), self._pid, _thread_id(), count))

    def note(self, text: str) -> None:
        self._pending.append(Note(_clock(), self._pid, _thread_id(), text[:TEXT]))
        self.flush()

    def hold(self) -> None:
        self._held = True

    def forked(self) -> None:
        super().forked()
        self._pid = os.getpid()
        self._pending.clear()
        self._owed.clear()
        self._lost = Lost(0, 0, 0)
        self._flushing = _thread.allocate_lock()

    def _say(self, record: Reported) -> None:
        self._pending.append(record)
        if not self._held:
            self.flush()

    def flush(self) -> None:
        # Whoever finds the lock taken leaves its records to the holder, which looks again after it lets go:
        # records keep their order, and no thread of the server ever waits for another one's report.
        while self._pending and self._flushing.acquire(False):
            try:
                self._write_pending()
            finally:
                self._flushing.release()

    def _write_pending(self) -> None:
        pending = self._pending
        while pending:
            batch = self._debts()
            with contextlib.suppress(IndexError):
                while len(batch) < BATCH:
                    batch.append(pending.popleft())
            data = self._encoder.encode_lines(batch)
            if len(data) <= PIPE_BUF:
                self._write_or_count(data, batch)
            else:
                for record in batch:
                    self._write_or_count(self._encoder.encode_lines([record]), [record])

    def _debts(self) -> list[Reported]:
        """What an earlier full pipe left to say, first."""
        debts: list[Reported] = []
        if self._lost.records:
            lost, self._lost = self._lost, Lost(0, 0, 0)
            lost.at, lost.pid, lost.tid = _clock(), self._pid, _thread_id()
            debts.append(lost)
        if self._owed:
            debts += self._owed[: BATCH - 1]
            del self._owed[: BATCH - 1]
        return debts

    def _write_or_count(self, data: bytes, batch: list[Reported]) -> None:
        if self._write(self._fd, data, len(data)) == len(data):
            return
        if ctypes.get_errno() == errno.EINTR and self._write(self._fd, data, len(data)) == len(data):
            return
        for record in batch:
            if isinstance(record, (Recv, Send, Lost)) or len(self._owed) >= KEPT:
                count_loss(self._lost, record)
            else:
                self._owed.append(record)


def count_loss(lost: Lost, record: Reported) -> None:
    """Add to a loss what a record would have said."""
    match record:
        case Lost():
            for name in ("records", "new", "recv", "recv_bytes", "send", "send_bytes", "bye"):
                setattr(lost, name, getattr(lost, name) + getattr(record, name))
            return
        case New():
            lost.new += 1
        case Recv():
            lost.recv += 1
            lost.recv_bytes += record.size
        case Send():
            lost.send += 1
            lost.send_bytes += record.size
        case Bye():
            lost.bye += 1
    lost.records += 1
