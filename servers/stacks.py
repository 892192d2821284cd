"""A look at every thread's Python stack from outside: a signal makes this process write them to a file.

The handler is faulthandler's, in C: it needs neither the GIL nor a thread of its own, so it answers also while C code
holds the GIL, and forked workers inherit it. The signal restarts system calls (SA_RESTART), and Python itself goes back
to those that can't be (PEP 475): a sleep keeps its length.
"""

import faulthandler
import signal

SIGNAL = signal.SIGUSR1
"""What to send to a process that has called `answer`; its default action would end any other."""


def answer(fd: int) -> None:
    """Write the stacks of all threads to this file whenever SIGNAL comes."""
    # Only when it chains does the handler give errno back: without, a system call that has just failed would be seen
    # to fail with "[Errno 0]". What it chains to is nothing.
    signal.signal(SIGNAL, signal.SIG_IGN)
    faulthandler.register(SIGNAL, file=fd, all_threads=True, chain=True)
