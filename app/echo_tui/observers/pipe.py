"""Reading pipes without ever waiting for them: whole lines out, observations decoded, garbage counted."""

import contextlib
import fcntl
import os
import time

import msgspec

from echo_tui.model.observations import DECODER, Garbled, Observation

CAPACITY = 1 << 20
"""The pipe's size asked for (bytes): what a server may report while the dashboard is busy elsewhere."""
LONGEST = 1 << 16
"""A line longer than this (bytes) is cut: whoever writes it can't make us keep it."""
RECORD = 1 << 12
"""The longest record (bytes) that a server writes: a pipe takes no more of it at once for certain (PIPE_BUF)."""
CHUNK = 1 << 17
NO_RECORD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def make_pipe() -> tuple[int, int]:
    """A pipe to read observations from: its read end never waits, and it is as large as the system lets it be."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # more than this user may have (pipe(7)): the usual size has to do
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, CAPACITY)
    return read_end, write_end


class LinePipe:
    """The read end of a pipe, taken in whole lines. It owns the descriptor."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.ended = False
        self._rest = b""

    def read(self, most: int = CHUNK) -> bytes:
        """Whole lines that are there now, about `most` bytes; empty if there are none yet."""
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
            if len(self._rest) > LONGEST:
                lines, self._rest = self._rest[:LONGEST] + b"\n", b""
                return lines
        return b""

    @property
    def begun(self) -> bytes:
        """The beginning of a line whose end has not come yet."""
        return self._rest

    def close(self) -> None:
        """Give the descriptor back; what was not read is dropped."""
        if not self.ended:
            self.ended = True
            os.close(self.fd)


def decode(lines: bytes, longest: int | None = None) -> list[Observation]:
    """The observations in whole lines; those that are none, or longer (bytes), are counted in a `Garbled`."""
    if not lines:
        return []
    if longest and len(lines) > longest and max(map(len, lines.splitlines())) > longest:
        return _decode_each(lines, longest)
    try:
        return DECODER.decode_lines(lines)
    except NO_RECORD:
        return _decode_each(lines, longest)


def _decode_each(lines: bytes, longest: int | None) -> list[Observation]:
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
        found.append(Garbled(time.monotonic_ns(), garbled))
    return found
