"""The blocking call injected into every handler: armed, changed and disarmed from outside while the server runs.

Its setting is a page of memory shared by the dashboard and all workers, so that checking it costs the server neither a
thread nor a system call. The page holds doubles: the kind's code (0: off), the seconds, N for one message in N, and the
port of the only client whose messages are blocked (0: any client's).
"""

import itertools
import mmap
import time
from collections.abc import Callable
from dataclasses import dataclass

from echo_servers import native
from echo_servers.report import Report, ReportedConnection

PAGE_BYTES = mmap.PAGESIZE
_REAL_SLEEP = time.sleep
LONGEST = 60.0
SHORTEST = 0.001
RAREST = 1_000_000


def sleep(seconds: float) -> None:
    """Block the calling thread; called through the module, so that a monkey patch can replace it."""
    time.sleep(seconds)


def native_sleep(seconds: float) -> None:
    """Block the calling thread, even under a monkey patch."""
    _REAL_SLEEP(seconds)


def c_call(seconds: float) -> None:
    """Block the calling thread in a C function that releases the GIL; no monkey patch affects it."""
    native.wait(seconds)


def cpu(seconds: float) -> None:
    """Compute in pure Python, which releases the GIL every few milliseconds on request."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def c_gil(seconds: float) -> None:
    """Block the calling thread in a C function that keeps the GIL."""
    native.wait_with_gil(seconds)


CALLS: dict[str, Callable[[float], None]] = {"sleep": sleep, "c-call": c_call, "cpu": cpu, "c-gil": c_gil}
"""Every kind of blocking call by name, in the order of its code on the page (the first has code 1)."""
KINDS = tuple(CALLS)
WORDS = {"sleep": "time.sleep", "c-call": "a C call", "cpu": "computing", "c-gil": "C with the GIL"}
"""The name of each kind on the screen."""


def is_patched(kind: str) -> bool:
    """Whether a monkey patch has replaced the blocking call with a cooperative one."""
    return kind == "sleep" and time.sleep is not _REAL_SLEEP


@dataclass(frozen=True)
class BlockSetting:
    """The kind of blocking call, its length in seconds, and N for one message in N (`every`)."""

    kind: str = "sleep"
    seconds: float = 5.0
    every: int = 1

    @classmethod
    def parse(cls, text: str) -> "BlockSetting":
        """Read `KIND:SECONDS`, or `SECONDS` alone for a sleep, perhaps with `/N`: see `spec`.

        Raises ValueError with a sentence for the user.
        """
        kind, colon, amount = text.rpartition(":")
        amount, share, often = amount.partition("/")
        kind = kind if colon else "sleep"
        if kind not in KINDS:
            raise ValueError(f"unknown kind of block {kind!r}: choose from {', '.join(KINDS)}")
        try:
            seconds, every = float(amount), int(often) if share else 1
        except ValueError:
            example = "such as sleep:2, or sleep:2/10"
            raise ValueError(f"{text!r} is not KIND:SECONDS, {example}; kinds: {', '.join(KINDS)}") from None
        if not SHORTEST <= seconds <= LONGEST:
            raise ValueError(f"a block lasts {SHORTEST:g} to {LONGEST:g} seconds, not {amount}")
        if not 1 <= every <= RAREST:
            raise ValueError(f"a block is made for one message in 1 to {RAREST:,}, not in {often}")
        return cls(kind, seconds, every)

    @property
    def spec(self) -> str:
        """The setting as the user types it: `KIND:SECONDS`, with `/N` for one message in N."""
        return f"{self.kind}:{self.seconds:g}" + (f"/{self.every}" if self.every > 1 else "")

    def __str__(self) -> str:
        share = f", 1 in {self.every:,}" if self.every > 1 else ""
        return f"{WORDS.get(self.kind, self.kind)} {self.seconds:g} s{share}"


class BlockPage:
    """The shared page; without a descriptor it is shared with forked workers only."""

    def __init__(self, fd: int = -1) -> None:
        self._map = mmap.mmap(fd, PAGE_BYTES)
        self._cells = memoryview(self._map).cast("d")
        self._messages = itertools.count(1)
        """Messages seen while it was armed, in this process: workers that share the page count their own."""
        self.make: Callable[[BlockSetting, Report, ReportedConnection], None] = block
        """How a due block is executed: in the calling thread, unless the pattern replaces this."""

    def arm(self, setting: BlockSetting | None, only: int = 0) -> None:
        """Arm the block with this setting, perhaps only for the client with this port; disarm it with None."""
        if setting is None:
            self._cells[0] = 0.0
            return
        self._cells[1], self._cells[2], self._cells[3] = setting.seconds, setting.every, only
        self._cells[0] = KINDS.index(setting.kind) + 1.0

    @property
    def setting(self) -> BlockSetting | None:
        """The armed setting, or None."""
        code = int(self._cells[0])
        return BlockSetting(KINDS[code - 1], self._cells[1], max(int(self._cells[2]), 1)) if code else None

    def due(self, conn: ReportedConnection) -> BlockSetting | None:
        """Return the block if it is armed and due for the message of this connection; else None."""
        if not self._cells[0] or not (setting := self.setting):
            return None
        only = int(self._cells[3])
        if (only and not conn.peer.endswith(f":{only}")) or next(self._messages) % setting.every:
            return None
        return setting

    def inject(self, report: Report, conn: ReportedConnection) -> None:
        """Block the calling handler if the block is armed and due for this message."""
        if setting := self.due(conn):
            self.make(setting, report, conn)


def block(setting: BlockSetting, report: Report, conn: ReportedConnection) -> None:
    """Block the calling thread for a connection."""
    report.block(conn, setting.kind, setting.seconds, is_patched(setting.kind))
    CALLS[setting.kind](setting.seconds)
    report.unblock(conn)


def block_natively(setting: BlockSetting, report: Report, conn: ReportedConnection) -> None:
    """Do the same in a native thread beside green ones, where time.sleep may be patched."""
    report.block(conn, setting.kind, setting.seconds)
    call = native_sleep if is_patched(setting.kind) else CALLS[setting.kind]
    call(setting.seconds)
    report.unblock(conn)
