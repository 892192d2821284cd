"""Read pipes without waiting: complete lines, decoded observations, and a count of garbage."""

import contextlib
import fcntl
import os
import time

import msgspec

from echo_tui.model.observations import DECODER, Garbled, Observation

CAPACITY = 1 << 20
"""The requested size of the pipe (bytes): how much a server may report while the dashboard is busy."""
LONGEST = 1 << 16
"""A longer line (bytes) is cut, so that a writer can't fill our memory."""
RECORD = 1 << 12
"""The longest record (bytes) that a server writes: the most that a pipe accepts atomically (PIPE_BUF)."""
CHUNK = 1 << 17
NO_RECORD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def make_pipe() -> tuple[int, int]:
    """Return both ends of a pipe for observations; the read end is non-blocking, and the pipe as large as possible."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # beyond this user's limit (pipe(7)), the pipe keeps its default size
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, CAPACITY)
    return read_end, write_end


class LinePipe:
    """The read end of a pipe, read in complete lines. It owns the descriptor."""

    def __init__(self, fd: int, longest: int = LONGEST) -> None:
        os.set_blocking(fd, False)
        self.fd, self._longest = fd, longest
        self.ended = False
        self._rest = b""

    def read(self, most: int = CHUNK) -> bytes:
        """Return the complete lines that have arrived, about `most` bytes; empty if there are none yet."""
        while not self.ended:
            try:
                data = os.read(self.fd, most)
            except BlockingIOError:
                break
            if not data:
                data, self._rest = self._rest, b""
                self.close()
                return data
            head, newline, tail = data.rpartition(b"\n")
            if newline:
                lines = self._rest + head + newline
                self._rest = tail
                return lines
            self._rest += tail
            if len(self._rest) > self._longest:
                lines, self._rest = self._rest[: self._longest] + b"\n", b""
                return lines
        return b""

    @property
    def begun(self) -> bytes:
        """The begin of a line whose end has not arrived yet."""
        return self._rest

    def close(self) -> None:
        """Close the descriptor and drop what was not read."""
        if not self.ended:
            self.ended = True
            os.close(self.fd)


def decode(lines: bytes, longest: int | None = None, at: int | None = None) -> list[Observation]:
    """Return the observations in complete lines; other lines, and those over `longest` bytes, count in a `Garbled`.

    The time of the `Garbled` is `at` (ns), or now.
    """
    if not lines:
        return []
    if longest and len(lines) > longest and max(map(len, lines.splitlines())) > longest:
        return _decode_each(lines, longest, at)
    try:
        return DECODER.decode_lines(lines)
    except NO_RECORD:
        return _decode_each(lines, longest, at)


def _decode_each(lines: bytes, longest: int | None, at: int | None) -> list[Observation]:
    found: list[Observation] = []
    garbled = 0
    for line in lines.splitlines():
        try:
            if longest is None or len(line) <= longest:
                found.append(DECODER.decode(line))
            else:
                garbled += 1
        except NO_RECORD:
            garbled += 1
    if garbled:
        found.append(Garbled(time.monotonic_ns() if at is None else at, garbled))
    return found
