"""C functions that wait, called through ctypes: with the GIL given up, as most C extensions do, or kept.

They wait for a condition that nobody signals, by an absolute deadline: pthread_cond_timedwait(3) goes on after a
signal by itself, so the wait keeps its length, and the GIL, while somebody looks at the stacks.
"""

import ctypes
import time
from typing import Any

OBJECT = 128
"""Bytes of room for a mutex or a condition, on any system; zeroed is initialised there, but for macOS."""
FREE = ctypes.CDLL(None).pthread_cond_timedwait
KEPT = ctypes.PyDLL(None).pthread_cond_timedwait


class Timespec(ctypes.Structure):
    """struct timespec of the C library."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def wait(seconds: float) -> None:
    """Wait in C with the GIL given up."""
    _wait(FREE, seconds)


def wait_with_gil(seconds: float) -> None:
    """Wait in C with the GIL kept: no other thread of the process can run Python meanwhile."""
    _wait(KEPT, seconds)


def _wait(call: Any, seconds: float) -> None:
    library = ctypes.PyDLL(None)
    mutex, condition = ctypes.create_string_buffer(OBJECT), ctypes.create_string_buffer(OBJECT)
    library.pthread_mutex_init(mutex, None)
    library.pthread_cond_init(condition, None)
    library.pthread_mutex_lock(mutex)
    end = time.time_ns() + int(seconds * 1e9)
    deadline = Timespec(end // 10**9, end % 10**9)
    while time.time_ns() < end and not call(condition, mutex, ctypes.byref(deadline)):
        pass  # a spurious wakeup: only a timeout ends it
