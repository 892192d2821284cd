"""Which limit has refused a thread (setrlimit(2), cgroups(7), proc(5))."""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

GIB = 2**30
NEARLY = 0.98
"""The share of a limit from which it counts as reached: the counts are read shortly after the refusal."""


def refused_by(threads: int, address_space: int) -> str:
    """Return which limit is used up, in words: of this process's address space, its user, its cgroup or the kernel."""
    used = dict([*_of_the_process(address_space), *_of_the_user(), *_of_the_cgroup(), *_of_the_kernel(threads)])
    limit = max(used, key=lambda text: used[text], default="")
    return limit if used.get(limit, 0.0) >= NEARLY else "which limit it was can't be told here"


Shares = Iterator[tuple[str, float]]


def _of_the_process(address_space: int) -> Shares:
    if address_space != resource.RLIM_INFINITY and (pages := _number("/proc/self/statm")):
        share = pages * resource.getpagesize() / address_space
        yield f"RLIMIT_AS, {address_space / GIB:.1f} GiB of address space for this process", share
    if most := _number("/proc/sys/vm/max_map_count"):
        with contextlib.suppress(OSError), open("/proc/self/maps", "rb") as maps:
            yield f"vm.max_map_count, {most} mappings a process", sum(1 for _ in maps) / most


def _of_the_user() -> Shares:
    most, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if most == resource.RLIM_INFINITY or os.getuid() == 0:
        return
    import psutil

    mine = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        if process.info["uids"] and process.info["uids"].real == os.getuid():
            mine += process.info["num_threads"] or 0
    yield f"RLIMIT_NPROC, {most} threads for this user", mine / most


def _of_the_cgroup() -> Shares:
    with contextlib.suppress(OSError):
        groups = Path("/proc/self/cgroup").read_text().splitlines()
        paths = [line.split("::", 1)[1] for line in groups if "::" in line]
        for path in paths:
            group = Path("/sys/fs/cgroup") / path.strip("/")
            for level in (group, *group.parents):
                most, now = _number(level / "pids.max"), _number(level / "pids.current")
                if most and now:
                    yield f"pids.max, {most} threads for this cgroup", now / most


def _of_the_kernel(threads: int) -> Shares:
    with contextlib.suppress(OSError, IndexError, ValueError):
        everything = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
        for limit in ("threads-max", "pid_max"):
            if most := _number(f"/proc/sys/kernel/{limit}"):
                yield f"kernel.{limit}, {most} threads on this machine", everything / most
    if (tool := shutil.which("sysctl")) and not Path("/proc").exists():
        answer = subprocess.run([tool, "-n", "kern.num_taskthreads"], capture_output=True, text=True, check=False)
        if answer.stdout.strip().isdigit():
            most = int(answer.stdout)
            yield f"kern.num_taskthreads, {most} threads a process", threads / most


def _number(path: str | Path) -> int | None:
    """Return the first number in a file of the kernel; None if there is no such file or it says max."""
    try:
        return int(Path(path).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
