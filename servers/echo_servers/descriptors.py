"""The first three descriptors of a process, and what it means to have none left."""

import contextlib
import errno
import fcntl
import os
import sys

CLOSED = "stdout is closed"
SPARE = 12
"""Descriptors that a server opens before its first client comes: libuv aborts the process if it gets none."""
NO_THREADS = "the system starts no more processes or threads: raise their limit, as with 'ulimit -u'"
TOO_FEW = "there are too few file descriptors: raise their limit, as with 'ulimit -n 1024'"


def open_standard_descriptors() -> None:
    """Make sure that descriptors 0 to 2 are open, before a socket can get one of these numbers.

    Otherwise messages for stderr would be sent to the first client. A closed stdout stays one that can't be written to.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            opened = os.open(os.devnull, os.O_WRONLY if fd == 2 else os.O_RDONLY)  # the lowest number that is free
            os.set_inheritable(opened, True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - Python has None where they were closed
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def stdout_is_open() -> bool:
    """Whether anything can be written to stdout."""
    return fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def has_spare(count: int = SPARE) -> bool:
    """Whether so many more descriptors can be opened."""
    with contextlib.ExitStack() as opened:
        try:
            for _ in range(count):
                opened.callback(os.close, os.dup(0))
        except OSError:
            return False
    return True


def shortage(error: BaseException) -> str:
    """Return in one sentence what this system has too little of; nothing if the error is of another kind."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TOO_FEW
    if (isinstance(error, BlockingIOError) and not error.filename and error.errno == errno.EAGAIN) or (
        isinstance(error, RuntimeError) and "start new thread" in str(error)
    ):
        return NO_THREADS
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return "there is no folder for temporary files that can be written to: see TMPDIR, and 'ulimit -f'"
    return ""
