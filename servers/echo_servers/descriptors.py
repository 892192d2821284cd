"""The standard descriptors of a process, and shortages of descriptors, memory or threads."""

import contextlib
import errno
import fcntl
import os
import sys

CLOSED = "stdout is closed"
SPARE = 12
"""Descriptors that a server opens before its first client: libuv aborts the process if it can't open them."""
NO_THREADS = "the system starts no more processes or threads: raise their limit, as with 'ulimit -u'"
TOO_FEW = "there are too few file descriptors: raise their limit, as with 'ulimit -n 1024'"


def open_standard_descriptors() -> None:
    """Make sure that descriptors 0 to 2 are open, so that no socket can get one of these numbers.

    Otherwise messages for stderr would be sent to the first client. A closed stdout remains unwritable.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            opened = os.open(os.devnull, os.O_WRONLY if fd == 2 else os.O_RDONLY)  # the lowest free number
            os.set_inheritable(opened, True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - Python has None where they were closed
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def stdout_is_open() -> bool:
    """Return whether stdout is writable."""
    return fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def has_spare(count: int = SPARE) -> bool:
    """Return whether this many more descriptors can be opened."""
    with contextlib.ExitStack() as opened:
        try:
            for _ in range(count):
                opened.callback(os.close, os.dup(0))
        except OSError:
            return False
    return True


def shortage(error: BaseException) -> str:
    """Return one sentence on what the system is short of; empty if the error is of another kind."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TOO_FEW
    if (isinstance(error, BlockingIOError) and not error.filename and error.errno == errno.EAGAIN) or (
        isinstance(error, RuntimeError) and "start new thread" in str(error)
    ):
        return NO_THREADS
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return "there is no folder for temporary files that can be written to: see TMPDIR, and 'ulimit -f'"
    return ""
