"""Our clients' observations on their way to the dashboard: a slow reader costs lines, never the clients' time."""

import os
import threading
import time
from collections import deque

import msgspec
from echo_servers.records import Note, Record

from echo_tui.model.client_notes import ClientNote
from echo_tui.model.observations import (
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientManners,
    ClientOpening,
    ClientSent,
    ClientsLost,
    Flooding,
)

BUFFER = 4 * 1024 * 1024
"""Bytes of lines that wait here while the pipe is full; beyond that messages and echoes are dropped and counted."""
RESERVE = 1024 * 1024
"""Bytes more for clients that open and close, so that their states stay right."""

ClientObservation = (
    ClientOpening | ClientConnected | ClientManners | ClientSent | ClientEcho | ClientClosed | Flooding | Note
)


class Events:
    """A non-blocking pipe, with a bounded buffer before it."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._added: list[Record] = []
        self._buffered: deque[bytes] = deque()
        self._bytes = 0
        self._lost = 0
        self._encoder = msgspec.json.Encoder()

    def add(self, observation: ClientObservation) -> None:
        """Add an observation to those that the next `flush` writes."""
        self._added.append(observation)

    def note(self, code: ClientNote, text: str) -> None:
        """Report what the person who watches should know, by its code and what it is about."""
        self._added.append(Note(time.monotonic_ns(), os.getpid(), threading.get_native_id(), text, code))

    def flush(self) -> bool:
        """Write what the pipe has room for. Return True when nothing is left. Raises BrokenPipeError if nobody reads
        any more."""
        if self._added:
            self._buffer(self._added)
            self._added.clear()
        try:
            while self._buffered:
                self._write(self._buffered[0])
        except BlockingIOError:
            return False
        return True

    def _write(self, lines: bytes) -> None:
        written = os.write(self.fd, lines)
        self._bytes -= written
        if written == len(lines):
            self._buffered.popleft()
        else:
            self._buffered[0] = lines[written:]

    def _buffer(self, added: list[Record]) -> None:
        room = BUFFER - self._bytes
        lines = self._encoder.encode_lines(self._debt() + added)
        if len(lines) > room:
            kept = [one for one in added if not isinstance(one, ClientSent | ClientEcho)]
            lines = self._encoder.encode_lines(kept)
            if len(lines) > room + RESERVE:
                kept, lines = [], b""
            self._lost += len(added) - len(kept)
        else:
            self._lost = 0
        if lines:
            self._buffered.append(lines)
            self._bytes += len(lines)

    def _debt(self) -> list[Record]:
        """Return records of what has been dropped since the last ones."""
        if not self._lost:
            return []
        return [ClientsLost(time.monotonic_ns(), self._lost)]
