"""How long a control group has throttled its processes: cpu.stat of cgroup v2 or v1 (cgroups(7))."""

import contextlib
import re

V2, V1 = "/sys/fs/cgroup", ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct")
STATS = (
    (re.compile(r"^throttled_usec (\d+)$", re.MULTILINE), 1000),
    (re.compile(r"^throttled_time (\d+)$", re.MULTILINE), 1),
)
"""The field's name in v2 and v1, and its unit in ns."""


def throttled(pid: int) -> int | None:
    """Return how long (ns) the group of a process has been throttled so far; None if that can't be read."""
    with contextlib.suppress(OSError):
        for folder in _folders(pid):
            with contextlib.suppress(OSError), open(f"{folder}/cpu.stat", encoding="ascii") as stat:
                return of_stat(stat.read())
    return None


def of_stat(text: str) -> int | None:
    """Return the throttled time (ns) in a cpu.stat; None if it has none."""
    for pattern, unit in STATS:
        if found := pattern.search(text):
            return int(found[1]) * unit
    return None


def _folders(pid: int) -> list[str]:
    """Return the directories in which the group of a process may be."""
    folders = []
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if not controllers:
                folders.append(f"{V2}{path}")
            elif "cpu" in controllers.split(","):
                folders += [f"{folder}{path}" for folder in V1]
    return folders
