"""Counts of echoes in memory shared with the watcher: under load, most echoes get no record.

Each process of a server has a region, and each of its connections a slot there, which is written by the thread that
serves the connection. The watcher grants every process a number of records; once these are used up, its echoes are
only counted. So the cost of being watched does not grow with the traffic, and the counts are exact.
"""

import fcntl
import mmap
import os
import struct
from collections import deque

from echo_servers.report import ReportedConnection

WORD = 8
HEADER = 1 << 14
"""The size (bytes) of a region's header and of the file's: a multiple of every machine's page size."""
SLOT = 64
SLOTS = 1 << 14
REGION = HEADER + SLOT * SLOTS
REGIONS = 64
"""The limit of processes; those beyond it report each echo by a record."""
FILE = HEADER + REGION * REGIONS
"""The size of the file (bytes); only used pages need memory."""
FIRST_GRANT = 500
"""The number of echo records that a process may write before it is granted more."""

CLAIMED = 0
"""The index of the word in the file's header with the number of used regions."""
PID, GRANTED, HIGH = 0, 1, 2
"""The words of a region's header: its pid, the number of granted records, and the number of slots ever used."""
SLOT_WORDS = struct.Struct("6Q")
"""A slot: the number of the connection (0: free), records written of its echoes and their bytes, all its echoes and
their bytes, and when one of the last `TIMED` of them was made (ns)."""
LISTED, LISTED_SIZE, ECHOES, SIZE, AT = 1, 2, 3, 4, 5
"""The indices of its words after the number."""
TIMED = 8
"""While echoes are only counted, the first one and then one in so many sets the time: to read the clock and to store
the time is a third of what counting costs."""
FREE = bytes(SLOT)

UNLIMITED = (1 << 62,)
"""The grant of a process that has no region."""


class CounterRegion:
    """The region of this process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.memory = memoryview(b"")
        self.granted: memoryview | tuple[int, ...] = UNLIMITED
        """A word: the number of echo records that this process may write in all."""
        self.claim()

    def claim(self) -> None:
        """Claim a region for this process, which may have been forked; without one nothing is counted."""
        self._free: deque[int] = deque()
        self._high = 0
        self.memory, self.granted = memoryview(b""), UNLIMITED
        number = _claimed(self._fd)
        if number < REGIONS:
            try:
                self._map = mmap.mmap(self._fd, REGION, offset=HEADER + number * REGION)
            except (OSError, ValueError):
                return
            self.memory = memoryview(self._map)
            self._header = self.memory[:HEADER].cast("Q")
            self._header[PID], self._header[GRANTED] = os.getpid(), FIRST_GRANT
            self.granted = self._header[GRANTED : GRANTED + 1]

    def open(self, conn: ReportedConnection) -> None:
        """Assign a slot to a connection, if one is free."""
        if self._free:
            conn.slot = self._free.popleft()
        elif self.memory and self._high < SLOTS:
            conn.slot = HEADER + SLOT * self._high
            self._high += 1
            self._header[HIGH] = self._high
        else:
            return
        SLOT_WORDS.pack_into(self.memory, conn.slot, conn.number, 0, 0, 0, 0, 0)
        conn.words = self.memory[conn.slot : conn.slot + SLOT].cast("Q")

    def close(self, conn: ReportedConnection) -> None:
        """Free the slot of a connection; the slot freed first is reused first."""
        if slot := conn.slot:
            conn.slot, conn.words = 0, None
            self.memory[slot : slot + SLOT] = FREE
            self._free.append(slot)


def _claimed(fd: int) -> int:
    """Return the number of the next region; each process gets a different one."""
    with mmap.mmap(fd, HEADER) as first, memoryview(first) as page, page.cast("Q") as words:
        fcntl.lockf(fd, fcntl.LOCK_EX)
        try:
            number = words[CLAIMED]
            words[CLAIMED] = number + 1
        finally:
            fcntl.lockf(fd, fcntl.LOCK_UN)
    return int(number)
