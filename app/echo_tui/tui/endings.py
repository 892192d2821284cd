"""Ends that come as signals. They must work also while a terminal that is gone, or stuck, holds up our writes to it.

The server and the clients need no goodbye: their leashes end them with this process, however it goes.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

PATIENCE = {signal.SIGTERM: 1.0, signal.SIGINT: 1.0, signal.SIGHUP: 0.3}
"""Seconds for an orderly end, in which the terminal is given back; after a SIGHUP there is most likely none."""


def install(leave: Callable[[int], None]) -> None:
    """On SIGTERM, SIGINT and SIGHUP call `leave` with an exit code, and end the process if that takes too long.

    These are plain signal handlers, because the event loop's own would wait behind a write that never ends.
    """

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + number))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE[signal.Signals(number)])
        leave(128 + number)

    for ending in PATIENCE:
        signal.signal(ending, terminate)
