"""The machine: what it is, what else it does, CPU clocks of other processes, and cores that stay awake."""

import contextlib
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import psutil

HOST = "127.0.0.1"
MANY = 16_384
"""Descriptors that a thousand clients and their server need, with room to spare."""


def describe() -> dict[str, Any]:
    """What a reader of the figures wants to know about where they were made."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cores": cores(),
        "memory_mib": psutil.virtual_memory().total >> 20,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("echo-tui", "textual", "rich", "msgspec", "psutil", "eventlet")},
    }


def cores() -> int:
    """Cores that the machine has."""
    return psutil.cpu_count() or 1


def others() -> float:
    """How many cores all processes use now, measured for a moment in which we do nothing."""
    return psutil.cpu_percent(1.0) * cores() / 100


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all its threads included, those that have ended too."""
    if sys.platform == "linux":
        # The clock of another process (clock_getcpuclockid(3)): exact, where /proc counts ticks of 10 ms.
        with contextlib.suppress(OSError):
            return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def raise_descriptor_limit() -> None:
    """Have room for ten thousand connections in every process that is started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY if hard == resource.RLIM_INFINITY else min(MANY, hard)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def awake() -> Iterator[bool]:
    """Keep every core from sleeping with a spinner that gives way to everybody; gives whether that can be done here.

    Without it a ping-pong on a virtual machine measures how long an idle core takes to wake up.
    """
    if not hasattr(os, "SCHED_IDLE"):
        yield False
        return
    spinners: list[tuple[subprocess.Popen[bytes], int]] = []
    try:
        for core in sorted(os.sched_getaffinity(0)):
            # A leash each: who is signalled belongs to the pipe, not to its descriptors.
            tied, leash = os.pipe()
            command = [sys.executable, "-m", "tests.bench.spinner", str(core), str(tied)]
            spinners.append((subprocess.Popen(command, pass_fds=(tied,)), leash))
            os.close(tied)
        yield True
    finally:
        for spinner, leash in spinners:
            spinner.kill()
            spinner.wait()
            os.close(leash)


class Stopwatch:
    """Processor time that some processes use, as a share of one core, since the watch was started."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._begun = time.monotonic()
        self._before = [cpu_seconds(pid) for pid in pids]

    def percent(self) -> list[float]:
        """For each process, percent of one core so far."""
        elapsed = time.monotonic() - self._begun
        return [
            (cpu_seconds(pid) - before) / elapsed * 100 for pid, before in zip(self._pids, self._before, strict=True)
        ]
