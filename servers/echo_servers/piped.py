"""Records on a pipe, for a server that is watched.

A report must not change what is reported. The pipe is non-blocking and never waits for its reader; the
records of one message go out in one write; and the write keeps the GIL, because a system call that gives it
up would let another thread run where the unwatched server lets none. An event loop calls `hold` once and
then `flush` before each wait, so that it writes once a turn.
"""

import _thread
import ctypes
import errno
import os
import select
import time
from collections import deque

import msgspec

from echo_servers.records import (
    PREVIEW,
    Block,
    Bye,
    Echo,
    Handed,
    Listening,
    Lost,
    New,
    NoDescriptors,
    Note,
    Recv,
    Reported,
    Send,
    Serve,
    Threads,
    Unblock,
    Wakes,
    Worker,
    count_loss,
)
from echo_servers.report import Connection, Report, thread_id

# Bound here, before a monkey patch can put a cooperative one in its place.
_clock = time.monotonic_ns

PIPE_BUF = select.PIPE_BUF
BATCH = 24
"""Records written at once, and held at most; this many of usual size fit into one atomic write."""
KEPT = 4096
"""Openings and closings kept for the next write when the pipe is full; beyond that they are counted as lost."""
TEXT = 400 if PIPE_BUF >= 4096 else 60
"""Characters of a sentence that fit into one line of the pipe with certainty: JSON may write six bytes for one."""


class Piped(Report):
    """Records on a non-blocking pipe: what does not fit is counted, and the loss reported when there is room."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        os.set_blocking(fd, False)
        self._fd = fd
        self._pid = os.getpid()
        self._held = False
        self._awake: dict[int, Connection] = {}
        self._pending: deque[Reported] = deque()
        self._owed: deque[Reported] = deque()
        self._lost = Lost(0, 0, 0)
        self._flushing = _thread.allocate_lock()
        self._encoder = msgspec.json.Encoder()
        # Its argument types are left undeclared, because to check them would cost as much again as the call.
        self._write_once = ctypes.PyDLL(None, use_errno=True).write

    def listening(self, host: str, port: int, backlog: int) -> None:
        self._say(Listening(_clock(), self._pid, thread_id(), host, port, backlog))

    def worker(self, name: str) -> None:
        self._say(Worker(_clock(), self._pid, thread_id(), name))

    def new(self, peer: str) -> Connection:
        conn = super().new(peer)
        self._say(New(_clock(), self._pid, conn.tid, conn.number, peer))
        return conn

    def serve(self, conn: Connection) -> None:
        tid = thread_id()
        if tid != conn.tid:
            conn.tid = tid
            self._say(Serve(_clock(), self._pid, tid, conn.number))

    # A recv is kept until its send, because nearly always both become one Echo.
    # Under load a thread that goes back to wait leaves its records to another that is awake: that one has not come to
    # its own write yet, so nothing is held back while all of them wait.

    def recv(self, conn: Connection, data: bytes) -> None:
        if conn.tid in self._awake:  # a green thread may come between another one's recv and send
            self._tell_taken(conn.tid)
        conn.message, conn.read_at = data, _clock()
        self._awake[conn.tid] = conn

    def send(self, conn: Connection, data: bytes) -> None:
        if self._awake.get(conn.tid) is conn:
            del self._awake[conn.tid]
            at, conn.message = conn.read_at, b""  # to keep it alive would cost the server memory
            record: Reported = Echo(
                at, self._pid, conn.tid, conn.number, len(data), str(data[:PREVIEW], "latin-1"), _clock() - at
            )
        else:
            record = Send(_clock(), self._pid, conn.tid, conn.number, len(data), str(data[:PREVIEW], "latin-1"))
        pending = self._pending
        pending.append(record)
        if not (self._held or self._awake) or len(pending) >= BATCH:
            self._write_out()

    def waits(self, conn: Connection) -> None:
        self._tell_taken(conn.tid)
        self._write_out()

    def hand(self, conn: Connection, helpers: int) -> None:
        self._tell_taken(conn.tid)
        self._pending.append(Handed(_clock(), self._pid, conn.tid, conn.number, helpers))
        self._write_out()

    def out_of_descriptors(self) -> None:
        if not self._out_of_descriptors:
            self._say(NoDescriptors(_clock(), self._pid, thread_id()))
        super().out_of_descriptors()

    def bye(self, conn: Connection, error: str = "", refused: bool = False) -> None:
        self._tell_taken(conn.tid)
        self._say(Bye(_clock(), self._pid, thread_id(), conn.number, error[:TEXT], refused))

    def block(self, conn: Connection, kind: str, seconds: float, cooperative: bool = False) -> None:
        tid = thread_id()
        if tid == conn.tid:  # another thread, that blocks in its place, must not tell what this one may just be telling
            self._tell_taken(tid)
        self._pending.append(Block(_clock(), self._pid, tid, conn.number, kind, seconds, cooperative))
        self._write_out()

    def _tell_taken(self, tid: int) -> None:
        """Report a message that was read, without the end of its echo."""
        conn = self._awake.pop(tid, None)
        if conn:
            data, conn.message = conn.message, b""
            self._pending.append(
                Recv(conn.read_at, self._pid, tid, conn.number, len(data), str(data[:PREVIEW], "latin-1"))
            )

    def unblock(self, conn: Connection) -> None:
        self._say(Unblock(_clock(), self._pid, thread_id(), conn.number))

    def threads(self, count: int) -> None:
        self._say(Threads(_clock(), self._pid, thread_id(), count))

    def woken(self, in_vain: int) -> None:
        self._say(Wakes(_clock(), self._pid, thread_id(), in_vain))

    def note(self, text: str, code: str = "") -> None:
        self._pending.append(Note(_clock(), self._pid, thread_id(), text[:TEXT], code))
        self._write_out()

    def hold(self) -> None:
        self._held = True

    def forked(self) -> None:
        super().forked()
        self._pid = os.getpid()
        self._awake.clear()
        self._pending.clear()
        self._owed.clear()
        self._lost = Lost(0, 0, 0)
        self._flushing = _thread.allocate_lock()

    def _say(self, record: Reported) -> None:
        self._pending.append(record)
        if not self._held or len(self._pending) >= BATCH:
            self._write_out()

    def flush(self) -> None:
        for tid in tuple(self._awake):
            self._tell_taken(tid)
        self._write_out()

    def _write_out(self) -> None:
        # Whoever finds the lock taken leaves its records to the holder, which looks again after it lets go:
        # records keep their order, and no thread of the server ever waits for another one's report.
        while self._pending and self._flushing.acquire(False):
            try:
                self._write_pending()
            finally:
                self._flushing.release()

    def _write_pending(self) -> None:
        pending, owed = self._pending, self._owed
        while pending:
            batch: list[Reported] = []
            while len(batch) < BATCH and (owed or pending):
                batch.append(owed.popleft() if owed else pending.popleft())
            unwritten = self._write_batch(batch) if not self._lost.events or self._loss_told() else batch
            if unwritten:
                owed.extendleft(record for record in reversed(unwritten) if self._kept(record))
                while pending:
                    if self._kept(record := pending.popleft()):
                        owed.append(record)

    def _loss_told(self) -> bool:
        """Return whether no loss is left to report; while the pipe is full only this one line is tried."""
        lost = self._lost
        if lost.events:
            lost.at, lost.pid, lost.tid = _clock(), self._pid, thread_id()
            if self._write_batch([lost]):
                return False
            self._lost = Lost(0, 0, 0)
        return True

    def _write_batch(self, batch: list[Reported]) -> list[Reported]:
        """Write records in their order. Return those that do not fit into the pipe."""
        data = self._encoder.encode_lines(batch)
        if len(data) > PIPE_BUF:
            half = len(batch) // 2
            unwritten = self._write_batch(batch[:half])
            return unwritten + batch[half:] if unwritten else self._write_batch(batch[half:])
        written = self._write_once(self._fd, data, len(data))
        while written < 0 and ctypes.get_errno() == errno.EINTR:
            written = self._write_once(self._fd, data, len(data))
        return [] if written == len(data) else batch

    def _kept(self, record: Reported) -> bool:
        """Whether a record is kept for the next write; its loss is counted if not."""
        if isinstance(record, (Echo, Recv, Send)) or len(self._owed) >= KEPT:
            count_loss(self._lost, record)
            return False
        return True
