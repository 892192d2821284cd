"""Ends that come as signals. They must work also while a terminal that is gone, or stuck, holds up our writes to it.

The server and the clients need no goodbye: their leashes end them with this process, however it goes.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

PATIENCE = 1.0
"""Seconds for an orderly end after SIGTERM, in which the terminal is given back."""


def install(leave: Callable[[int], None]) -> None:
    """End at once when the terminal hangs up; on SIGTERM `leave` in order with an exit code, or else after a moment.

    Plain handlers, because the event loop's own would wait behind a write that never ends.
    """

    def hang_up(number: int, frame: FrameType | None) -> None:
        os._exit(128 + number)

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + number))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        leave(128 + number)

    signal.signal(signal.SIGHUP, hang_up)
    signal.signal(signal.SIGTERM, terminate)
