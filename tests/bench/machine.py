"""The machine: its description, other load on it, CPU clocks of processes, and cores kept awake."""

import contextlib
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

HOST = "127.0.0.1"
MANY = 16_384
"""Descriptors for ten thousand clients and their server, with some to spare."""


def describe() -> dict[str, Any]:
    """Return the facts about this machine that a reader of the figures needs."""
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
    """Return the number of cores."""
    return psutil.cpu_count() or 1


def others() -> float:
    """Return how many cores all processes use, measured for a second in which we do nothing."""
    return psutil.cpu_percent(1.0) * cores() / 100


def in_time_wait() -> int:
    """Return how many connections the kernel keeps for a minute after they were closed (TIME_WAIT); 0 if unknown."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/net/sockstat").read_text().partition(" tw ")[2].split()[0])
    return 0


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process with all its threads, including ended ones."""
    if sys.platform == "linux":
        # The CPU clock of another process (clock_getcpuclockid(3)) is exact; /proc counts in ticks of 10 ms.
        with contextlib.suppress(OSError):
            return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def family(pid: int) -> list[int]:
    """Return the pids of a process and all its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def raise_descriptor_limit() -> None:
    """Raise the descriptor limit of processes started from here to allow ten thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY if hard == resource.RLIM_INFINITY else min(MANY, hard)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def awake() -> Iterator[bool]:
    """Keep every core awake with a process of lowest priority; yield whether that is possible here.

    Otherwise a ping-pong on a virtual machine measures how long an idle core takes to wake up.
    """
    if not hasattr(os, "SCHED_IDLE"):
        yield False
        return
    spinners: list[tuple[subprocess.Popen[bytes], int]] = []
    try:
        for core in sorted(os.sched_getaffinity(0)):
            # A pipe each, because SIGIO goes to the owner set on the pipe, not to the owner of a descriptor.
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
    """CPU time of some processes since the start of the measurement, as a share of one core."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._begun = time.monotonic()
        self._before = [cpu_seconds(pid) for pid in pids]

    def percent(self) -> list[float]:
        """Return the percentage of one core for each process."""
        elapsed = time.monotonic() - self._begun
        return [
            (cpu_seconds(pid) - before) / elapsed * 100 for pid, before in zip(self._pids, self._before, strict=True)
        ]
