"""A thread's Python stack for an outside observer: a signal makes the thread write its stack to a file.

The handler is faulthandler's, in C: it needs neither the GIL nor a thread of its own, so it answers even while C code
keeps the GIL, and forked workers inherit it. Each thread writes only its own stack: walking those of other threads,
which start and end meanwhile, has crashed servers. The signal interrupts a system call, which Python resumes (PEP
475), so that a sleep keeps its length. To resume it a thread needs the GIL, so idle threads are not asked while
another one may keep the GIL.
"""

import faulthandler
import signal

SIGNAL = signal.SIGUSR1
"""The signal for a thread of a process that has called `answer`; its default action would end any other process."""


def answer(fd: int) -> None:
    """Write a thread's stack to this file whenever the thread receives SIGNAL."""
    # The handler restores errno only if it chains: otherwise a system call that has just failed would seem to fail with
    # "[Errno 0]". There is nothing to chain to.
    signal.signal(SIGNAL, signal.SIG_IGN)
    faulthandler.register(SIGNAL, file=fd, all_threads=False, chain=True)
