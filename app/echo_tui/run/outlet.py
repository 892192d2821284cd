"""Writes a run's output to stdout in a thread of its own, so that a slow or stuck reader does not delay the run."""

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

LIMIT = 16 << 20
"""Characters that may wait to be written; beyond it `full` is True, and only essential text should be put."""
CHECK = 0.1
"""How often (s) `finish` checks whether to continue waiting."""
GRACE, LONGEST = 1.0, 5.0
"""How long (s) a run that was asked to end waits for a reader that stands still, and for one that reads."""
PIECE = 4096
"""Characters written at once, so that a reader is seen to read in the middle of a long text."""


def to_stdout(text: str) -> None:
    """Write a text. Raises OSError.

    Not with `sys.stdout`, whose lock a thread that is still writing would keep when the interpreter ends.
    """
    data, descriptor = memoryview(text.encode()), sys.stdout.fileno()
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # stdout is non-blocking: wait until it has room
            select.select([], [descriptor], [])


class Outlet:
    """A queue of texts, and the thread that writes them in order."""

    def __init__(self, write: Callable[[str], None] = to_stdout, limit: int = LIMIT) -> None:
        self._write, self._limit = write, limit
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether so much waits to be written that inessential text should be omitted."""
        return self._waiting >= self._limit

    @property
    def overfull(self) -> bool:
        """Whether so much waits that only the essential may be put."""
        return self._waiting >= 2 * self._limit

    def put(self, text: str) -> None:
        """Queue a text. Raises OSError if an earlier one could not be written."""
        if self._failure:
            raise self._failure
        with self._lock:
            self._waiting += len(text)
        self._texts.put(text)

    def finish(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Wait until all is written, while `goes_on` is true or somebody reads it. Raises OSError if it fails."""
        self._texts.put(None)
        asked = moved = now = time.monotonic()
        waiting = self._waiting
        while self._thread.is_alive() and now < min(moved + GRACE, asked + LONGEST):
            self._thread.join(CHECK)
            now = time.monotonic()
            if goes_on():
                asked = moved = now
            elif self._waiting != waiting:
                moved, waiting = now, self._waiting
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        while (text := self._texts.get()) is not None:
            for begin in range(0, len(text), PIECE):
                piece = text[begin : begin + PIECE]
                try:
                    self._write(piece)
                except OSError as error:
                    self._failure = error
                    return
                with self._lock:
                    self._waiting -= len(piece)
