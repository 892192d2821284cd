"""Find the process at the other end of a pipe by its inode in /proc/PID/fd (proc(5)), which needs some milliseconds."""

import contextlib
import os
import time

PIPE = "pipe:["
KNOWN_FOR = 1.0
"""Seconds for which an answer is cached."""
UNKNOWN = "?"
ACCESS = 3
"""The bits of `flags` in /proc/PID/fdinfo that show how a descriptor was opened (fcntl.h, O_ACCMODE)."""


class Pipes:
    """The readers of pipes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, str]] = {}

    def reader(self, pid: int, descriptor: int) -> str:
        """Return the process, by id and name, that reads from the pipe of a descriptor; empty if it is no pipe.

        Of several readers, the oldest one; `?` if none is visible.
        """
        try:
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            return ""
        if not target.startswith(PIPE):
            return ""
        now = time.monotonic()
        at, found = self._known.get(target, (0.0, ""))
        if not found or now - at >= KNOWN_FOR:
            found = _reader(target)
            self._known = {target: (now, found)}
        return found


def _reader(target: str) -> str:
    for name in sorted((name for name in os.listdir("/proc") if name.isdecimal()), key=int):
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{name}/fd"):
                if os.readlink(f"/proc/{name}/fd/{descriptor}") == target and _reads(name, descriptor):
                    with open(f"/proc/{name}/comm", encoding="utf-8", errors="replace") as comm:
                        return f"{name} {comm.read().strip()}"
    return UNKNOWN


def _reads(pid: str, descriptor: str) -> bool:
    """Return whether a descriptor was opened for reading."""
    with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="ascii", errors="replace") as info:
        flags = next((line.split()[1] for line in info if line.startswith("flags:")), "1")
    return int(flags, 8) & ACCESS != os.O_WRONLY
