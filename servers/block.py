"""The blocking call that is mixed into every handler: armed, changed and disarmed from outside while the server runs.

Its setting is a page of memory shared by the dashboard and all workers, so to look costs the server
neither a thread nor a system call. The page holds doubles: the kind's code (0: off), then the seconds.
"""

import mmap
import time
from collections.abc import Callable
from dataclasses import dataclass

from servers import native
from servers.report import Connection, Report

PAGE_BYTES = mmap.PAGESIZE
_REAL_SLEEP = time.sleep
LONGEST = 60.0
SHORTEST = 0.001


def sleep(seconds: float) -> None:
    """Hold the calling thread; through the module, so that a monkey patch can replace it."""
    time.sleep(seconds)


def c_call(seconds: float) -> None:
    """Hold the calling thread in a C function that gives the GIL up, and that no monkey patch reaches."""
    native.wait(seconds)


def cpu(seconds: float) -> None:
    """Compute in pure Python, which gives the GIL up every few milliseconds to whoever wants it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def c_gil(seconds: float) -> None:
    """Hold the calling thread in a C function that keeps the GIL."""
    native.wait_with_gil(seconds)


CALLS: dict[str, Callable[[float], None]] = {"sleep": sleep, "c-call": c_call, "cpu": cpu, "c-gil": c_gil}
"""Every kind of blocking call by name, in the order of its code on the page (the first has code 1)."""
KINDS = tuple(CALLS)
WORDS = {"sleep": "time.sleep", "c-call": "a C call", "cpu": "computing", "c-gil": "C with the GIL"}
"""Each kind as the screen names it."""


def is_patched(kind: str) -> bool:
    """Whether a monkey patch has put a cooperative call in the place of the blocking one."""
    return kind == "sleep" and time.sleep is not _REAL_SLEEP


@dataclass(frozen=True)
class BlockSetting:
    """Which blocking call, and for how many seconds."""

    kind: str = "sleep"
    seconds: float = 2.0

    @classmethod
    def parse(cls, text: str) -> "BlockSetting":
        """Read `KIND:SECONDS`, or `SECONDS` alone for a sleep. Raises ValueError with a sentence for the user."""
        kind, _, amount = text.rpartition(":")
        kind = kind or "sleep"
        if kind not in KINDS:
            raise ValueError(f"unknown kind of block {kind!r}: choose from {', '.join(KINDS)}")
        try:
            seconds = float(amount)
        except ValueError:
            raise ValueError(f"{text!r} is not KIND:SECONDS, such as sleep:2") from None
        if not SHORTEST <= seconds <= LONGEST:
            raise ValueError(f"a block lasts {SHORTEST:g} to {LONGEST:g} seconds, not {amount}")
        return cls(kind, seconds)

    def __str__(self) -> str:
        return f"{WORDS[self.kind]} {self.seconds:g} s"


class BlockPage:
    """The shared page: without a descriptor it is shared with forked workers only."""

    def __init__(self, fd: int = -1) -> None:
        self._map = mmap.mmap(fd, PAGE_BYTES)
        self._cells = memoryview(self._map).cast("d")

    def arm(self, setting: BlockSetting | None) -> None:
        """Switch the block on with this setting, or off with None."""
        if setting is None:
            self._cells[0] = 0.0
            return
        self._cells[1] = setting.seconds
        self._cells[0] = KINDS.index(setting.kind) + 1.0

    @property
    def setting(self) -> BlockSetting | None:
        """What is armed now."""
        code = int(self._cells[0])
        return BlockSetting(KINDS[code - 1], self._cells[1]) if code else None

    def strike(self, report: Report, conn: Connection) -> None:
        """Block the calling handler if the block is armed."""
        if not self._cells[0]:
            return
        setting = self.setting
        if setting is None:
            return
        report.block(conn, setting.kind, setting.seconds, is_patched(setting.kind))
        CALLS[setting.kind](setting.seconds)
        report.unblock(conn)
