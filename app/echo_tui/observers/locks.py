"""The lock that a thread in futex(2) waits for: whether other processes can release it, and its owner."""

import os
import struct

PRIVATE = 128
"""FUTEX_PRIVATE_FLAG: only threads of this process wait for it and release it (include/uapi/linux/futex.h)."""
OWNER = 8
"""The offset of the owner's thread id in a pthread_mutex_t, after the futex and a count (glibc, struct_mutex.h)."""


def lock(arguments: list[int]) -> str:
    """Return the kind of lock by a call's arguments: `private`, `timed` or `shared`; empty if they are unknown."""
    if len(arguments) < 4:
        return ""
    if not arguments[1] & PRIVATE:
        return "shared"
    return "timed" if arguments[3] else "private"


def holder(pid: int, tid: int, address: int) -> int:
    """Return the thread that owns the mutex at an address; 0 if there is none, or it can't be read.

    A semaphore, which implements Python's locks, has no owner: the value read there is then no thread of the process.
    """
    try:
        descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, 4, address + OWNER)
        finally:
            os.close(descriptor)
    except (OSError, OverflowError):
        return 0
    found = struct.unpack("=i", data)[0] if len(data) == 4 else 0
    return found if found > 0 and found != tid and os.path.exists(f"/proc/{pid}/task/{found}") else 0
