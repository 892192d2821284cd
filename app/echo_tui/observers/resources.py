"""CPU, memory, threads and context switches of the server's processes, and the machine's cores (psutil)."""

import contextlib
import os
import re
import time
from pathlib import Path

import psutil

from echo_tui.model.observations import CoresSample, Observation, ProcessGone, ProcessSample, Unavailable
from echo_tui.words import evidence as words

SWITCHES = re.compile(rb"\nvoluntary_ctxt_switches:\s*(\d+)\nnonvoluntary_ctxt_switches:\s*(\d+)")
STATUS = 1 << 16
"""More bytes than a thread's status has: one system call reads it."""
MOST_THREADS = 128
"""Context switches are summed for at most this many threads; for more, the sum would cost too much."""


SHORTEST = 250_000_000
"""The minimum time (ns) between two samples."""
YOUNG = 3_000_000_000
"""How long (ns) a server counts as still starting its processes."""
FEW_THREADS = 16
"""Each thread of a process with at most this many is asked for its children; for more, reading /proc is cheaper."""
SEARCH_INTERVAL = 2_000_000_000
"""How often (ns) an older server is searched for new processes, which reads all of /proc."""


class ResourceSampler:
    """Samples the machine's cores and one server. Each sample covers the time since the previous one."""

    def __init__(self) -> None:
        self._root: psutil.Process | None = None
        self._known: dict[int, psutil.Process] = {}
        self._listed: list[psutil.Process] = []
        self._since = self._searched_at = 0
        self._at = time.monotonic_ns()
        self._reported = False
        """Whether it was reported for this server that the cores can't be read."""
        with contextlib.suppress(OSError, psutil.Error):
            psutil.cpu_percent(percpu=True)

    def watch(self, pid: int | None) -> None:
        """Sample from now on the server whose first process has this pid; None for no server."""
        self._root = _process(pid) if pid is not None else None
        self._known.clear()
        self._listed = [self._root] if self._root else []
        self._since, self._searched_at = time.monotonic_ns(), 0
        self._reported = False

    def sample(self) -> list[Observation]:
        """Return what every process of the server and every core has done since the last sample.

        Empty soon after the last sample: the kernel counts CPU in ticks of 10 ms, too coarse for a short span.
        """
        at = time.monotonic_ns()
        if at - self._at < SHORTEST:
            return []
        self._at = at
        found = self._cores()
        alive = {process.pid: process for process in self._processes()}
        for pid in [pid for pid in self._known if pid not in alive]:
            del self._known[pid]
            found.append(ProcessGone(at, pid))
        for pid, process in alive.items():
            first = pid not in self._known
            known = self._known.setdefault(pid, process)
            if sample := _sample(known, first):
                found.append(sample)
        return found

    def _cores(self) -> list[Observation]:
        """Return how busy each core is, or, once per server, why that can't be read."""
        try:
            return [CoresSample(self._at, list(psutil.cpu_percent(percpu=True)))]
        except (OSError, psutil.Error) as error:
            reported, self._reported = self._reported, True
            why = words.missing("no-cores", error)
            return [] if reported else [Unavailable(self._at, "cores", why)]

    def _processes(self) -> list[psutil.Process]:
        if self._root is None or not _alive(self._root):
            return []
        if self._at - self._since < YOUNG or self._at - self._searched_at >= SEARCH_INTERVAL:
            self._searched_at = self._at
            with contextlib.suppress(psutil.Error):  # known processes stay as long as they are alive
                self._listed = [self._root, *_descendants(self._root)]
        return [process for process in self._listed if _alive(process)]


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return all descendants of a process, from the kernel's lists of children (proc(5)) instead of all of /proc."""
    try:
        tids = os.listdir(f"/proc/{process.pid}/task")
        if len(tids) > FEW_THREADS and (found := _descendants_by_psutil(process)) is not None:
            return found
        pids = [pid for tid in tids for pid in Path(f"/proc/{process.pid}/task/{tid}/children").read_text().split()]
    except OSError:
        return _descendants_by_psutil(process) or []
    children = [child for pid in pids if (child := _process(int(pid)))]
    return children + [each for child in children for each in _descendants(child)]


def _descendants_by_psutil(process: psutil.Process) -> list[psutil.Process] | None:
    """Return the same by reading all of /proc; empty if the process is gone, None if psutil may not read it."""
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
    except OSError:
        return None


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _sample(process: psutil.Process, first: bool) -> ProcessSample | None:
    try:
        with process.oneshot():
            cpu = process.cpu_percent()
            threads = process.num_threads()
            voluntary, involuntary = _switches(process, threads)
            return ProcessSample(
                time.monotonic_ns(),
                process.pid,
                process.ppid(),
                None if first else cpu,
                process.memory_info().rss,
                threads,
                voluntary,
                involuntary,
            )
    except (psutil.Error, OSError):  # it has just ended
        return None


def _switches(process: psutil.Process, threads: int) -> tuple[int | None, int | None]:
    """Return the context switches of all threads of a process; None for both if there are too many threads.

    Linux's `/proc/PID/status`, and so psutil, has those of the main thread only; the others are in `task/TID/status`.
    """
    tasks = f"/proc/{process.pid}/task"
    if not os.path.exists(tasks):
        switches = process.num_ctx_switches()
        return switches.voluntary, switches.involuntary
    if threads > MOST_THREADS:
        return None, None
    voluntary = involuntary = 0
    for task in os.listdir(tasks):
        try:
            with open(f"{tasks}/{task}/status", "rb", buffering=0) as status:
                found = SWITCHES.search(status.read(STATUS))
        except OSError:
            continue
        if found:
            voluntary += int(found[1])
            involuntary += int(found[2])
    return voluntary, involuntary
