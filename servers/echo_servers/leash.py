"""The parent-death pipe: the kernel ends a process when its owner is gone, however the owner ended.

Only the owner has the write end of a pipe. When it ends, even by SIGKILL, the pipe hangs up, and the read end's O_ASYNC
sends SIGKILL (fcntl(2), F_SETOWN and F_SETSIG), which also ends a process that is stopped or ignores signals. Without
F_SETSIG it is SIGIO, which a stopped process gets only once it continues. It needs no thread and works while C code
holds the GIL.
"""

import fcntl
import os
import select
import signal
from types import FrameType


def wear(fd: int, target: int) -> None:
    """End `target` (a process id, or a negative process group id) when the pipe `fd` hangs up."""
    if not hasattr(fcntl, "F_SETSIG"):
        # A kernel without F_SETSIG is a BSD, where SIGIO does nothing by default.
        signal.signal(signal.SIGIO, _end)
    else:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(fd, fcntl.F_SETOWN, target)
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    watch = select.poll()
    watch.register(fd, select.POLLIN)
    if watch.poll(0):  # the owner has already ended
        os.kill(os.getpid(), signal.SIGKILL)


def _end(signum: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
