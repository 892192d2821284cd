"""C functions that wait, called through ctypes: with the GIL released, as by most C extensions, or kept.

They wait for a condition that is never signalled, until an absolute deadline. pthread_cond_timedwait(3) continues
after a signal by itself, so the wait keeps its length, and the GIL, while stacks are requested.
"""

import ctypes
import time
from typing import Any

OBJECT = 128
"""Bytes for a mutex or a condition, enough on every system."""
Prepared = tuple[Any, Any, Any]
library = ctypes.PyDLL(None)
pthread_cond_timedwait = ctypes.CDLL(None).pthread_cond_timedwait
pthread_cond_timedwait_with_gil = ctypes.PyDLL(None).pthread_cond_timedwait


class Timespec(ctypes.Structure):
    """struct timespec of the C library."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def wait(seconds: float) -> None:
    """Wait in C with the GIL given up."""
    condition, mutex, deadline = _prepare(seconds)
    over = 0
    while not over:  # it may wake spuriously: only the deadline ends it
        over = pthread_cond_timedwait(condition, mutex, deadline)


def wait_with_gil(seconds: float) -> None:
    """Wait in C with the GIL kept: no other thread of the process can run Python meanwhile."""
    condition, mutex, deadline = _prepare(seconds)
    over = 0
    while not over:
        over = pthread_cond_timedwait_with_gil(condition, mutex, deadline)


def _prepare(seconds: float) -> Prepared:
    """Return a condition that is never signalled, its locked mutex, and the deadline."""
    condition, mutex = ctypes.create_string_buffer(OBJECT), ctypes.create_string_buffer(OBJECT)
    library.pthread_cond_init(condition, None)
    library.pthread_mutex_init(mutex, None)
    library.pthread_mutex_lock(mutex)
    end = time.time_ns() + int(seconds * 1e9)
    return condition, mutex, ctypes.byref(Timespec(end // 10**9, end % 10**9))
