"""The dashboard's end of the client process: starts it, and sends it commands without ever waiting."""

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from echo_tui.clients.commands import (
    ENCODER,
    Asked,
    Burst,
    Chatter,
    Close,
    Flood,
    HalfClose,
    Open,
    PauseReading,
    Reopen,
    SendMessage,
    StopConnecting,
)

EVENTS_PIPE = 1024 * 1024
"""The requested size (bytes) of the pipe of observations."""
BACKLOG = 4 * 1024 * 1024
"""Bytes of commands that wait here while the client process doesn't read; beyond that a command is refused."""
PATIENCE = 0.5
"""Seconds between the request to end and the kill."""

ALL: Sequence[int] = ()
"""As a list of clients: all of them."""


class ClientProcess:
    """A running client process.

    Every command returns True when it is on its way, and False when it was refused: the client process has ended, or
    reads nothing while `BACKLOG` bytes wait. What waits is tried again by the next command or by `flush`, so call
    `flush` whenever `fd` is read.
    """

    fd: int
    """Non-blocking; gives observations, one JSON line each, and ends with the client process. Closed by `stop`."""

    def __init__(self) -> None:
        self.fd, events = os.pipe()
        try:
            leash, self._leash = os.pipe()
        except OSError:
            os.close(self.fd)
            os.close(events)
            raise
        _prepare(self.fd)
        command = [sys.executable, "-P", "-m", "echo_tui.clients", "--events", str(events), "--leash", str(leash)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                pass_fds=(events, leash),
                start_new_session=True,
            )
        except BaseException:
            os.close(self.fd)
            os.close(self._leash)
            raise
        finally:
            os.close(events)
            os.close(leash)
        assert self._process.stdin is not None
        self._stdin = self._process.stdin
        os.set_blocking(self._stdin.fileno(), False)
        self._waiting = bytearray()
        self._stopped = False

    @property
    def pid(self) -> int:
        """The client process's process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def open(self, clients: Sequence[int], host: str, port: int) -> bool:
        """Connect these clients, by numbers of the caller's choice, to a server."""
        return self._ask(Open(list(clients), host, port))

    def send(self, clients: Sequence[int], data: bytes) -> bool:
        """Send one message of at most `commands.MESSAGE_LIMIT` bytes from each."""
        return self._ask(SendMessage(list(clients), str(data, "latin-1")))

    def chatter(self, clients: Sequence[int], per_second: float, size: int) -> bool:
        """Have each send `per_second` messages of `size` bytes from now on; 0 stops it."""
        return self._ask(Chatter(list(clients), per_second, size))

    def burst(self, clients: Sequence[int], count: int, size: int) -> bool:
        """Have each send `count` messages of `size` bytes at once."""
        return self._ask(Burst(list(clients), count, size))

    def close(self, clients: Sequence[int], reset: bool = False) -> bool:
        """End these connections, politely or by a reset."""
        return self._ask(Close(list(clients), reset))

    def reopen(self, host: str, port: int) -> bool:
        """Connect every client that was not closed on purpose to this server; each keeps its number and its load."""
        return self._ask(Reopen(host, port))

    def stop_connecting(self, why: str) -> bool:
        """Connect no client until the next `open` or `reopen`; those that are still connecting give up and report
        `why`."""
        return self._ask(StopConnecting(why))

    def pause_reading(self, clients: Sequence[int], paused: bool) -> bool:
        """Have these clients take nothing from their connections, or go on."""
        return self._ask(PauseReading(list(clients), paused))

    def half_close(self, clients: Sequence[int]) -> bool:
        """Have these clients say that they send nothing more; they go on reading."""
        return self._ask(HalfClose(list(clients)))

    def flood(self, host: str, port: int, count: int, seconds: float) -> bool:
        """Open so many silent connections all at once, for so long at most; 0 ends an earlier flood."""
        return self._ask(Flood(host, port, count, seconds))

    def flush(self) -> bool:
        """Write what waits, as far as the pipe has room for it. Return True when nothing waits any more."""
        if self._stopped:
            return False
        try:
            while self._waiting:
                written = os.write(self._stdin.fileno(), self._waiting[: 64 * 1024])
                del self._waiting[:written]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            self._waiting.clear()
            return False
        return True

    def stop(self) -> None:
        """End the client process and close `fd`, at most `PATIENCE` later; again it does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdin.close()
        os.close(self._leash)
        os.close(self.fd)

    def _ask(self, command: Asked) -> bool:
        line = ENCODER.encode(command) + b"\n"
        if self._stopped or not self.running or len(self._waiting) + len(line) > BACKLOG:
            return False
        self._waiting += line
        return self.flush() or bool(self._waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _prepare(fd: int) -> None:
    os.set_blocking(fd, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, EVENTS_PIPE)
