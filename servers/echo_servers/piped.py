"""Records on a pipe, for a watched server.

Reporting must not change what is reported. The pipe is non-blocking and never waits for its reader; the records of
one message are written at once; and the write keeps the GIL, because a system call that releases it would let another
thread run where the unwatched server does not. An event loop calls `buffer` once and then `flush` before each wait, so
that it writes once per turn.
"""

import _thread
import ctypes
import errno
import os
import select
import time
from collections import deque

import msgspec

from echo_servers.counters import AT, ECHOES, LISTED, LISTED_SIZE, SIZE, TIMED, UNLIMITED, CounterRegion
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
    ThreadCount,
    Unblock,
    Wakes,
    WorkerStarted,
    count_loss,
)
from echo_servers.report import Report, ReportedConnection, thread_id

# Bound here, before a monkey patch can replace it with a cooperative one.
_clock = time.monotonic_ns

PIPE_BUF = select.PIPE_BUF
BATCH = 24
"""The most records written at once, and buffered; this many of usual size fit into one atomic write."""
KEPT = 4096
"""Openings and closings kept while the pipe is full; beyond this they are counted as lost."""
TEXT = 400 if PIPE_BUF >= 4096 else 60
"""Characters of a sentence that surely fit into one line: JSON may write six bytes for one."""


class PipedReport(Report):
    """Records on a non-blocking pipe: what does not fit is counted, and the loss reported when there is room."""

    def __init__(self, fd: int, counters: CounterRegion | None = None) -> None:
        super().__init__()
        self._counters = counters
        self._granted = counters.granted if counters else UNLIMITED
        self._listed = 0
        self._counts = False
        """Whether an echo is only counted, unless more has been granted."""
        self._last = ReportedConnection(0, "")
        """The connection of a loop that was read last while echoes are only counted."""
        self._unanswered: dict[ReportedConnection, None] = {}
        """Connections of a loop that had no echo yet when another one was read; reported if they wait with the loop."""
        self._ended: list[ReportedConnection] = []
        """Closed connections whose `Bye` may not be written yet: if it is lost, the slot has their counts."""
        os.set_blocking(fd, False)
        self._fd = fd
        self._pid = os.getpid()
        self._buffers = self._unwritten = False
        """Whether records may be buffered, and whether there may be something for `flush` to write."""
        self._awake: dict[int, ReportedConnection] = {}
        self._pending: deque[Reported] = deque()
        self._deferred: deque[Reported] = deque()
        self._lost = Lost(0, 0, 0)
        self._flushing = _thread.allocate_lock()
        self._encoder = msgspec.json.Encoder()
        # No argument types are declared, because checking them would double the cost of the call.
        self._write_once = ctypes.PyDLL(None, use_errno=True).write

    def listening(self, host: str, port: int, backlog: int) -> None:
        self._report(Listening(_clock(), self._pid, thread_id(), host, port, backlog))

    def worker(self, name: str) -> None:
        self._report(WorkerStarted(_clock(), self._pid, thread_id(), name))

    def new(self, peer: str) -> ReportedConnection:
        conn = super().new(peer)
        if self._counters:
            self._counters.open(conn)
        self._report(New(_clock(), self._pid, conn.tid, conn.number, peer))
        return conn

    def serve(self, conn: ReportedConnection) -> None:
        tid = thread_id()
        if tid != conn.tid:
            conn.tid = tid
            self._report(Serve(_clock(), self._pid, tid, conn.number))

    # A recv is kept until its send, because nearly always both become one Echo.
    # Under load a thread that returns to its wait leaves its records to another one that is awake and has not yet
    # written its own, so no record remains unwritten while all threads wait.
    # While nothing more is granted, an echo is only counted: these few steps are most of what watching costs then.

    def recv(self, conn: ReportedConnection, data: bytes) -> None:
        if self._counts:
            if conn.message:
                self._report_read(conn)
            if self._buffers:
                if (last := self._last).message:  # it waits for room, or for its task's next turn
                    self._unanswered[last] = None
                    self._unwritten = True
                self._last = conn
            conn.message = data
            return
        if conn.message:
            self._report_read(conn)
        conn.message, conn.read_at = data, _clock()
        if other := self._awake.get(conn.tid):  # a green thread may run between another one's recv and send
            self._report_read(other)
        self._awake[conn.tid] = conn
        self._unwritten = True

    def send(self, conn: ReportedConnection, data: bytes) -> None:
        conn.echoes = echoes = conn.echoes + 1
        conn.size = size = conn.size + len(data)
        awake = self._awake
        if conn.message and self._listed >= self._granted[0] and not awake and (words := conn.words):
            conn.message = b""  # keeping it alive would cost the server memory
            if echoes % TIMED == 1:
                words[AT] = _clock()
            # The number comes last: who reads meanwhile never sees an echo without its bytes.
            words[SIZE] = size
            words[ECHOES] = echoes
            return
        at_once = bool(conn.message)
        if at_once and awake.get(conn.tid) is conn:
            del awake[conn.tid]
        self._add(self._listing(conn, data, at_once))
        if not (self._buffers or awake) or len(self._pending) >= BATCH:
            self._write_out()

    def _listing(self, conn: ReportedConnection, data: bytes, at_once: bool) -> Reported:
        """Return and count the record of an echo; `at_once` if the send followed its recv directly."""
        size, now, read_at = len(data), _clock(), conn.read_at
        conn.message, conn.read_at = b"", 0
        self._listed += 1
        self._counts = self._listed >= self._granted[0]
        conn.listed += 1
        conn.listed_size += size
        if words := conn.words:
            # Records come first: who reads meanwhile never takes a listed echo for one that is only counted.
            words[LISTED], words[LISTED_SIZE] = conn.listed, conn.listed_size
            words[AT], words[SIZE], words[ECHOES] = now, conn.size, conn.echoes
        head = str(data[:PREVIEW], "latin-1")
        if at_once:
            read_at = read_at or now
            return Echo(read_at, self._pid, conn.tid, conn.number, size, head, now - read_at)
        return Send(now, self._pid, conn.tid, conn.number, size, head)

    def waits(self, conn: ReportedConnection) -> None:
        self._report_read(conn)
        self._write_out()

    def hand(self, conn: ReportedConnection, helpers: int) -> None:
        self._report_read(conn)
        self._add(Handed(_clock(), self._pid, conn.tid, conn.number, helpers))
        self._write_out()

    def out_of_descriptors(self) -> None:
        if not self._out_of_descriptors:
            self._report(NoDescriptors(_clock(), self._pid, thread_id()))
        super().out_of_descriptors()

    def bye(self, conn: ReportedConnection, error: str = "", refused: bool = False) -> None:
        self._report_read(conn)
        self._unanswered.pop(conn, None)
        unlisted, size = conn.echoes - conn.listed, conn.size - conn.listed_size
        self._report(Bye(_clock(), self._pid, thread_id(), conn.number, error[:TEXT], refused, unlisted, size))
        if self._counters:
            self._ended.append(conn)
            self._free_slots()

    def block(self, conn: ReportedConnection, kind: str, seconds: float, cooperative: bool = False) -> None:
        tid = thread_id()
        if tid == conn.tid:  # a helper thread must not report what this connection's thread may be reporting
            self._report_read(conn)
        self._add(Block(_clock(), self._pid, tid, conn.number, kind, seconds, cooperative))
        self._write_out()

    def _report_read(self, conn: ReportedConnection) -> None:
        """Report the message read from a connection, if there is one, as a `Recv` without its echo."""
        if data := conn.message:
            conn.message, tid = b"", conn.tid
            if self._awake.get(tid) is conn:
                del self._awake[tid]
            self._add(
                Recv(conn.read_at or _clock(), self._pid, tid, conn.number, len(data), str(data[:PREVIEW], "latin-1"))
            )
            conn.read_at = 0

    def unblock(self, conn: ReportedConnection) -> None:
        self._report(Unblock(_clock(), self._pid, thread_id(), conn.number))

    def threads(self, count: int) -> None:
        self._report(ThreadCount(_clock(), self._pid, thread_id(), count))

    def woken(self, in_vain: int) -> None:
        self._report(Wakes(_clock(), self._pid, thread_id(), in_vain))

    def note(self, text: str, code: str = "") -> None:
        self._add(Note(_clock(), self._pid, thread_id(), text[:TEXT], code))
        self._write_out()

    def buffer(self) -> None:
        self._buffers = True

    def forked(self) -> None:
        super().forked()
        self._pid = os.getpid()
        if self._counters:
            self._counters.claim()
            self._granted = self._counters.granted
        self._listed = 0
        self._counts = self._unwritten = False
        self._last = ReportedConnection(0, "")
        self._unanswered.clear()
        self._ended.clear()
        self._awake.clear()
        self._pending.clear()
        self._deferred.clear()
        self._lost = Lost(0, 0, 0)
        self._flushing = _thread.allocate_lock()

    def _report(self, record: Reported) -> None:
        self._add(record)
        if not self._buffers or len(self._pending) >= BATCH:
            self._write_out()

    def _add(self, record: Reported) -> None:
        self._pending.append(record)
        self._unwritten = True

    def flush(self) -> None:
        if not (self._unwritten or self._last.message):  # nearly always, and a loop asks before each wait
            return
        self._unwritten = False
        for conn in (*self._unanswered, self._last, *self._awake.values()):
            self._report_read(conn)
        self._unanswered.clear()
        self._write_out()
        self._free_slots()

    def _free_slots(self) -> None:
        """Free the slots of closed connections, unless a `Bye` is still to be written."""
        while self._ended and self._counters and not (self._pending or self._deferred):
            try:
                ended = self._ended.pop()
            except IndexError:  # another thread has freed it
                return
            self._counters.close(ended)

    def _write_out(self) -> None:
        # A thread that finds the lock taken leaves its records to the holder, which checks again after releasing it:
        # records keep their order, and no server thread ever waits for another one's report.
        while self._pending and self._flushing.acquire(False):
            try:
                self._write_pending()
            finally:
                self._flushing.release()

    def _write_pending(self) -> None:
        pending, deferred = self._pending, self._deferred
        while pending:
            batch: list[Reported] = []
            while len(batch) < BATCH and (deferred or pending):
                batch.append(deferred.popleft() if deferred else pending.popleft())
            unwritten = self._write_batch(batch) if not self._lost.events or self._loss_reported() else batch
            if unwritten:
                deferred.extendleft(record for record in reversed(unwritten) if self._kept(record))
                while pending:
                    if self._kept(record := pending.popleft()):
                        deferred.append(record)

    def _loss_reported(self) -> bool:
        """Return whether no loss is left to report; while the pipe is full, only this line is tried."""
        lost = self._lost
        if lost.events:
            lost.at, lost.pid, lost.tid = _clock(), self._pid, thread_id()
            if self._write_batch([lost]):
                return False
            self._lost = Lost(0, 0, 0)
        return True

    def _write_batch(self, batch: list[Reported]) -> list[Reported]:
        """Write records in order. Return those that do not fit into the pipe."""
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
        """Return whether a record is kept for the next write; otherwise count its loss."""
        if isinstance(record, (Echo, Recv, Send)) or len(self._deferred) >= KEPT:
            count_loss(self._lost, record)
            return False
        return True
