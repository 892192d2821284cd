"""Ends by signal. They also work while our writes block because the terminal is gone or stuck.

The server and the client process need no message: their parent-death pipes end them with this process, however it ends.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

PATIENCE = {signal.SIGTERM: 1.0, signal.SIGINT: 1.0, signal.SIGHUP: 0.3}
"""Seconds for an orderly end, which restores the terminal; after a SIGHUP there is most likely none left."""


def install(leave: Callable[[int], None]) -> None:
    """Call `leave` with an exit code on SIGTERM, SIGINT and SIGHUP, and end the process if it has not ended in time.

    These are plain signal handlers, because the event loop's own would wait behind a write that never ends.
    """

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + number))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE[signal.Signals(number)])
        leave(128 + number)

    for ending in PATIENCE:
        signal.signal(ending, terminate)
