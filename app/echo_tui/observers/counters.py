"""Read a server's counters, and grant its processes how many echoes they may report by records.

Nobody can read 80,000 events a second: some are listed, and all are counted. A saturated server uses up its grant at
once; a quiet one never does, so it reports every echo.
"""

import contextlib
import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from echo_servers.counters import (
    CLAIMED,
    FILE,
    FIRST_GRANT,
    GRANTED,
    HEADER,
    HIGH,
    PID,
    REGION,
    REGIONS,
    SLOT,
    SLOT_WORDS,
    SLOTS,
)
from echo_servers.records import Bye, Echo, Lost, New, Send

from echo_tui.model.observations import Counts, Observation

RATE = 300
"""Echoes per second that all processes of the server together may list."""
ROWS = 500
"""The limit of connections in one observation, so that its line stays short."""
CONNECTIONS = 1 << 17
"""The limit of remembered connections, higher than any server's number of open ones."""
CHUNK = 64
"""Slots that are compared at once with the last reading."""

CountedRow = tuple[int, int, int, int]
"""Connection number, new echoes without a record, their bytes, and when the last one was made (ns).

That time is early by up to seven echoes, but never before the previous reading.
"""


@dataclass(slots=True)
class Known:
    """The echoes known of a connection: those with a record, and those without one that were already returned."""

    listed: int = 0
    listed_size: int = 0
    reported: int = 0
    reported_size: int = 0

    def new_counts(self, conn: int, unlisted: int, size: int, at: int, final: bool = False) -> CountedRow | None:
        """Return what is new, given the sums; None if nothing is. Only `final` sums take something back."""
        more, more_size = unlisted - self.reported, size - self.reported_size
        if not (more or more_size) or (more < 0 and not final):  # a slot that was read while it was written
            return None
        self.reported, self.reported_size = unlisted, size
        return conn, more, more_size, at


class RegionReader:
    """The memory of one process, and its last reading."""

    def __init__(self, fd: int, number: int) -> None:
        self._map = mmap.mmap(fd, REGION, offset=HEADER + number * REGION)
        self._header = memoryview(self._map)[:HEADER].cast("Q")
        self.granted = FIRST_GRANT
        self.pid = 0
        self._before, self._read_at = b"", 0
        """The memory at the last reading, and when that began (ns)."""
        self._deferred: set[int] = set()
        """Slots of connections whose `New` has not been read yet."""

    def changed(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield the number and the words of each used slot that has changed since the last call or was deferred.

        What has changed was done after the last reading, whatever time the slot has.
        """
        self.pid = self._header[PID]
        end = HEADER + SLOT * min(self._header[HIGH], SLOTS)
        since, self._read_at = self._read_at, time.monotonic_ns()
        before, now = self._before, self._map[HEADER:end]
        self._before = now
        deferred, self._deferred = self._deferred, set()
        if before == now and not deferred:
            return
        again = {number // CHUNK for number in deferred}
        for chunk in range(0, len(now) // SLOT, CHUNK):
            begin, end = chunk * SLOT, min((chunk + CHUNK) * SLOT, len(now))
            if before[begin:end] == now[begin:end] and chunk // CHUNK not in again:
                continue
            for at in range(begin, end, SLOT):
                has_changed = now[at : at + SLOT] != before[at : at + SLOT]
                if has_changed or at // SLOT in deferred:
                    *words, made_at = SLOT_WORDS.unpack_from(now, at)
                    if words[0]:
                        yield at // SLOT, (*words, max(made_at, since) if has_changed else made_at)

    def slots(self) -> Iterator[tuple[int, ...]]:
        """Yield the words of each used slot as of the last reading."""
        for at in range(0, len(self._before), SLOT):
            words = SLOT_WORDS.unpack_from(self._before, at)
            if words[0]:
                yield words

    def defer(self, number: int) -> None:
        """Yield a slot again the next time, whether or not it has changed by then."""
        self._deferred.add(number)

    def grant(self, records: int) -> None:
        """Allow the process to write this many more records of echoes."""
        self.granted += records
        self._header[GRANTED] = self.granted


class CounterFile:
    """The counters of one server, in an unnamed file."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Make the file. Raises OSError."""
        self._clock = clock
        self.fd = _file()
        try:
            self._first = memoryview(mmap.mmap(self.fd, HEADER)).cast("Q")[CLAIMED : CLAIMED + 1]
        except (OSError, ValueError) as failure:
            os.close(self.fd)
            raise OSError(str(failure)) from failure
        self._regions: list[RegionReader] = []
        self._open: dict[tuple[int, int], Known] = {}
        """Connections whose `New` was read, and whose `Bye` was not."""
        self._seen: dict[int, int] = {}
        """The number of echo records that each process has written, including lost ones."""
        self._closed: dict[tuple[int, int], None] = {}
        """The latest connections whose `Bye` was read: their slots may be free only a moment later."""
        self._lossy: set[int] = set()
        """Processes that have lost records."""
        self._unannounced: set[int] = set()
        """Processes that have lost the `New` of a connection."""
        self._allowed, self._allowed_at = 0.0, clock()

    def complete(self, records: list[Observation]) -> list[Observation]:
        """Return the server's records, with the remaining counts of a connection before its `Bye`."""
        found: list[Observation] = []
        for o in records:
            match o:
                case Echo() | Send():
                    self._seen[o.pid] = self._seen.get(o.pid, 0) + 1
                    if known := self._open.get((o.pid, o.conn)):
                        known.listed += 1
                        known.listed_size += o.size
                case New():
                    self._open[o.pid, o.conn] = Known()
                    if len(self._open) > CONNECTIONS:
                        del self._open[next(iter(self._open))]
                case Bye():
                    known = self._open.pop((o.pid, o.conn), None) or Known()
                    self._closed[o.pid, o.conn] = None
                    if len(self._closed) > CONNECTIONS:
                        del self._closed[next(iter(self._closed))]
                    if row := known.new_counts(o.conn, o.unlisted, o.unlisted_size, o.at, final=True):
                        found.append(Counts(o.at, o.pid, [row]))
                case Lost():
                    self._seen[o.pid] = self._seen.get(o.pid, 0) + o.send
                    self._lossy.add(o.pid)
                    if o.new:
                        self._unannounced.add(o.pid)
            found.append(o)
        return found

    def read(self) -> list[Observation]:
        """Return the counts since the last reading, and grant more records."""
        while self.fd >= 0 and len(self._regions) < min(self._first[0], REGIONS):
            self._regions.append(RegionReader(self.fd, len(self._regions)))
        found: list[Observation] = []
        for region in self._regions:
            found += _observations(region, list(self._unlisted(region)))
        self._grant()
        return found

    def read_last(self, pid: int | None = None) -> list[Observation]:
        """Return the remaining counts of an ended process, or of all: its last records may be lost."""
        found = self.read()
        for region in self._regions:
            if pid in (None, region.pid) and region.pid not in self._lossy:
                found += _observations(region, list(self._unwritten(region)))
        return found

    def close(self) -> None:
        """Close the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _unlisted(self, region: RegionReader) -> Iterator[CountedRow]:
        for number, (conn, listed, listed_size, echoes, size, at) in region.changed():
            key = region.pid, conn
            known = self._open.get(key)
            if known is None and region.pid in self._unannounced and key not in self._closed:
                known = self._open[key] = Known()
            if known is None:
                if key not in self._closed:
                    region.defer(number)
            elif row := known.new_counts(conn, echoes - listed, size - listed_size, at):
                yield row

    def _unwritten(self, region: RegionReader) -> Iterator[CountedRow]:
        for conn, _, _, echoes, size, at in region.slots():
            known = self._open.get((region.pid, conn))
            if known and (
                row := known.new_counts(conn, echoes - known.listed, size - known.listed_size, at, final=True)
            ):
                yield row

    def _grant(self) -> None:
        """Increase the grants of the processes, within the common limit."""
        now = self._clock()
        self._allowed = min(self._allowed + RATE * (now - self._allowed_at), FIRST_GRANT)
        self._allowed_at = now
        used = [FIRST_GRANT - (region.granted - self._seen.get(region.pid, 0)) for region in self._regions]
        # Those that have used least come first, so that a saturated process takes nothing from a quiet one.
        for left, number in enumerate(sorted(range(len(used)), key=used.__getitem__)):
            if (records := min(used[number], int(self._allowed / (len(used) - left)))) > 0:
                self._regions[number].grant(records)
                self._allowed -= records


def _observations(region: RegionReader, rows: list[CountedRow]) -> list[Observation]:
    now = time.monotonic_ns()
    return [Counts(now, region.pid, rows[begin : begin + ROWS]) for begin in range(0, len(rows), ROWS)]


def _file() -> int:
    """Return the descriptor of an unnamed file, in memory if the system supports that. Raises OSError."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            file.truncate(FILE)
            return os.dup(file.fileno())
    fd = os.memfd_create("counters", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, FILE)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)  # to read what was cut off would end the reader
    except OSError:
        os.close(fd)
        raise
    return fd


def make() -> CounterFile | None:
    """Return new counters; None if they are unavailable: then every echo has a record."""
    with contextlib.suppress(OSError):
        return CounterFile()
    return None
