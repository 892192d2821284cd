"""A reader for the output of `echo-tui watch TARGET --json`, and raw clients."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

LIMIT = 30.0
Line = dict[str, Any]


@dataclass(frozen=True)
class Foreign:
    """A running foreign server."""

    pid: int
    port: int


class Watched:
    """A running `echo-tui watch` and the lines it has written so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[Line] = []
        self._queue: Queue[Line | None] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, wanted: Callable[[Line], object]) -> Line:
        """Return the first line that matches; fail if none arrives within LIMIT."""
        for line in self.lines:
            if wanted(line):
                return line
        end = time.monotonic() + LIMIT
        while True:
            try:
                line = self._queue.get(timeout=max(end - time.monotonic(), 0.01))  # type: ignore[assignment]
            except Empty:
                raise AssertionError(f"never came: {self.stalls()}") from None
            assert line is not None, (
                f"the watcher has ended: {self.stalls()} {self.process.stderr and self.process.stderr.read()}"
            )
            self.lines.append(line)
            if wanted(line):
                return line

    def stall(self, event: str) -> Line:
        """Wait for a stall line with this event, and return it."""
        return self.until(lambda line: line["type"] == "stall" and line["event"] == event)

    def stalls(self) -> list[Line]:
        """Return all stall lines so far."""
        return [line for line in self.lines if line["type"] == "stall"]

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._queue.put(json.loads(line))
        self._queue.put(None)


class Peer:
    """A raw client of a foreign server."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.name = "{}:{}".format(*self.sock.getsockname())
        self.sent_at = self.echo_at = 0

    def say(self, line: bytes) -> None:
        self.sent_at = time.monotonic_ns()
        self.sock.sendall(line)

    def hear(self) -> None:
        assert self.sock.recv(100)
        self.echo_at = time.monotonic_ns()

    def talk(self) -> None:
        self.say(b"hello\n")
        self.hear()

    def close(self) -> None:
        self.sock.close()
