"""Real servers and a client process whose observations are collected, for the tests of the clients."""

import contextlib
import json
import os
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from echo_tui.clients.remote import ClientProcess
from echo_tui.model.observations import (
    DECODER,
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientSent,
    Observation,
)

LIMIT = 20.0
"""Seconds after which a condition counts as failed; far longer than it needs."""


class Watched:
    """A client process and all observations it has sent."""

    def __init__(self, process: ClientProcess) -> None:
        self.client_process = process
        self.seen: list[Observation] = []
        self.ended = False
        self._rest = b""

    def read(self, seconds: float = 0.0) -> None:
        """Read what is in the pipe, waiting at most this long for the first byte."""
        if self.ended or not select.select([self.client_process.fd], [], [], seconds)[0]:
            return
        data = os.read(self.client_process.fd, 1024 * 1024)
        self.ended = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.seen += [DECODER.decode(line) for line in lines]

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until the condition holds."""
        end = time.monotonic() + LIMIT
        while not condition():
            self.client_process.flush()
            late = time.monotonic() > end or self.ended
            assert not late, f"not observed; the last observations: {self.seen[-5:]}"
            self.read(0.01)

    def during(self, seconds: float) -> None:
        """Read for this many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def connected(self) -> list[ClientConnected]:
        return [one for one in self.seen if isinstance(one, ClientConnected)]

    def sent(self) -> list[ClientSent]:
        return [one for one in self.seen if isinstance(one, ClientSent)]

    def echoes(self) -> list[ClientEcho]:
        return [one for one in self.seen if isinstance(one, ClientEcho)]

    def closed(self) -> list[ClientClosed]:
        return [one for one in self.seen if isinstance(one, ClientClosed)]

    def open(self, count: int, port: int, host: str = "127.0.0.1") -> None:
        """Open clients 1 to `count`, and wait until all are connected."""
        already = len(self.connected())
        self.client_process.open(range(1, count + 1), host, port)
        self.until(lambda: len(self.connected()) == already + count)


@contextlib.contextmanager
def watched_clients() -> Iterator[Watched]:
    """Run a client process."""
    with ClientProcess() as process:
        yield Watched(process)


@contextlib.contextmanager
def server(pattern: str, *options: str) -> Iterator[int]:
    """Run a pattern in its own process on a free port; yield the port."""
    events, write_end = os.pipe()
    leash, held = os.pipe()
    command = [sys.executable, "-m", "echo_servers", pattern, "--port", "0", *options]
    process = subprocess.Popen(
        [*command, "--events", str(write_end), "--leash", str(leash)],
        pass_fds=(write_end, leash),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    os.close(leash)
    try:
        yield _port(events)
    finally:
        os.close(held)
        process.kill()
        process.wait()
        os.close(events)


def _port(events: int) -> int:
    text = b""
    while b'"listening"' not in text or not text.endswith(b"\n"):
        assert select.select([events], [], [], LIMIT)[0]
        data = os.read(events, 65536)
        assert data
        text += data
    lines = [json.loads(line) for line in text.splitlines()]
    return int(next(line["port"] for line in lines if line["type"] == "listening"))


@contextlib.contextmanager
def one_connection(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server in a thread that serves a single connection with `serve`; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT)

        def accept() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(LIMIT)
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(LIMIT)
            assert not thread.is_alive()


@contextlib.contextmanager
def descriptors(soft: int) -> Iterator[None]:
    """Set the soft limit of descriptors for processes started in the body, as far as the hard limit allows."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
