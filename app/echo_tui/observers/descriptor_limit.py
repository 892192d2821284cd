"""Whether a process has used up its file descriptors (Linux: proc(5), prlimit(2))."""

import os
import resource
from collections.abc import Collection


def without_descriptor(pids: Collection[int]) -> list[int]:
    """Return the processes whose open descriptors have reached the limit; those that can't be read are left out."""
    return [pid for pid in pids if _is_full(pid)]


def _is_full(pid: int) -> bool:
    try:
        limit, _ = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        return len(os.listdir(f"/proc/{pid}/fd")) >= limit
    except (OSError, ValueError, AttributeError):
        return False
