"""End a run on the signals that end a program."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndSignal:
    """The signal that has asked the run to end; 0 if none has."""

    def __init__(self) -> None:
        self.number = 0


@contextmanager
def until_signal() -> Iterator[EndSignal]:
    """Catch the signals that end a program; signals that are ignored stay ignored (nohup(1))."""
    ended = EndSignal()

    def end(number: int, _: object) -> None:
        ended.number = ended.number or number

    before = {each: signal.getsignal(each) for each in ENDINGS}
    for each, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield ended
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
