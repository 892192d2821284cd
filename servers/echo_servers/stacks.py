"""A thread's Python stack for an observer outside: a signal to the thread makes it write its stack to a file.

The handler is faulthandler's, in C: it needs neither the GIL nor a thread of its own, so it answers also while C code
holds the GIL, and forked workers inherit it. Each thread writes its own stack only: walking those of other threads,
which come and go meanwhile, has crashed servers. The signal interrupts a system call, and Python resumes it (PEP 475),
so that a sleep keeps its length. To resume it a thread needs the GIL, so an idle thread is not asked while another one
may hold the GIL.
"""

import faulthandler
import signal

SIGNAL = signal.SIGUSR1
"""What to send to a thread of a process that has called `answer`; its default action would end any other."""


def answer(fd: int) -> None:
    """Write a thread's stack to this file whenever SIGNAL comes to it."""
    # Only when it chains does the handler give errno back: without, a system call that has just failed would be seen
    # to fail with "[Errno 0]". What it chains to is nothing.
    signal.signal(SIGNAL, signal.SIG_IGN)
    faulthandler.register(SIGNAL, file=fd, all_threads=False, chain=True)
