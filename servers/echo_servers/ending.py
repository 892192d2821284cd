"""The end of a server that can't continue: one line on stderr and one exit code, whichever process detects it.

A worker writes both into a page shared with the server's first process, and ends. The first process, which waits for
its workers, prints the line. Nothing is raised, because an event loop or a worker's thread would swallow it.
"""

import _thread
import mmap
import os
from typing import NoReturn

from echo_servers.plain import plain

# Bound here, before a monkey patch can replace it with a cooperative one.
_write = os.write

BROKEN_PIPE, FAILED, REFUSED = 141, 1, 2
"""Exit codes: the reader is gone, as a shell reports SIGPIPE (128 + 13); another failure; an invalid request."""
SENTENCE = 500
"""The maximum length of a sentence (bytes)."""

_first = os.getpid()
_left = mmap.mmap(-1, SENTENCE + 1)
_ends = _thread.allocate_lock()


def end(code: int, sentence: str) -> NoReturn:
    """End the whole server with this exit code (1 to 255), from any of its threads and processes."""
    if os.getpid() == _first:
        _ends.acquire()  # never released: one thread gives the reason, and the others wait for the end
        print_line(sentence)
    elif not _left[0]:
        _left[1:] = sentence.encode(errors="replace")[:SENTENCE].ljust(SENTENCE, b"\0")
        _left[0] = code
    os._exit(code)


def left() -> tuple[int, str] | None:
    """Return the exit code and the sentence left by a worker, or None."""
    return (_left[0], _left[1:].rstrip(b"\0").decode(errors="replace")) if _left[0] else None


def print_line(sentence: str) -> None:
    """Write a line to stderr, if that is possible."""
    try:
        _write(2, f"{plain(sentence)}\n".encode(errors="replace"))
    except OSError:
        return
