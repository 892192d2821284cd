"""External clients in their own process: `python -m tests.bench.external PORT COUNT`.

With `--chatter` each client sends this many messages per second; with `--churn` this many clients per second connect,
get an echo and leave. It prints the number of connected clients, and on SIGTERM the number of echoes received.
"""

import argparse
import heapq
import selectors
import signal
import socket
import sys
import time

from tests.bench.load import MESSAGE, connect
from tests.bench.machine import raise_descriptor_limit

TURN = 0.01
LINGER = 0.1
"""Seconds that a client of `--churn` stays connected."""


class ExternalClients:
    """The clients, and their number of echoes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.echoes = self.connected = 0
        self.over = False
        self._selector = selectors.DefaultSelector()

    def open(self) -> socket.socket:
        """Connect another client."""
        client = connect(self.port)
        self.connected += 1
        self._selector.register(client, selectors.EVENT_READ)
        return client

    def close(self, client: socket.socket) -> None:
        """Disconnect a client that has all its echoes."""
        self._selector.unregister(client)
        client.close()

    def listen(self, seconds: float) -> None:
        """Receive the echoes that arrive within this time."""
        for key, _ in self._selector.select(max(seconds, 0)):
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(len(MESSAGE))
            if not data:
                raise SystemExit("the server has closed a connection")
            self.echoes += data.endswith(b"\n")

    def chatter(self, clients: list[socket.socket], rate: float) -> None:
        """Let each client send at this rate, evenly spread, until SIGTERM; then wait for the last echoes."""
        sent, begun = 0, time.monotonic()
        while not self.over:
            due = int((time.monotonic() - begun) * rate * len(clients))
            while sent < due:
                clients[sent % len(clients)].send(MESSAGE)
                sent += 1
            self.listen(TURN)
        end = time.monotonic() + 5
        while self.echoes < sent and time.monotonic() < end:
            self.listen(TURN)

    def churn(self, rate: float) -> None:
        """Connect this many clients per second, which leave after their echo, until SIGTERM."""
        leaving: list[tuple[float, int, socket.socket]] = []
        begun, opened = time.monotonic(), 0
        while not self.over or leaving:
            now = time.monotonic()
            while not self.over and opened < (now - begun) * rate:
                client = self.open()
                client.send(MESSAGE)
                opened += 1
                heapq.heappush(leaving, (now + LINGER, opened, client))
            while leaving and leaving[0][0] < now and self.echoes >= leaving[0][1]:
                self.close(heapq.heappop(leaving)[2])
            self.listen(TURN)


def main() -> None:
    """Connect, talk and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--chatter", type=float, default=0.0)
    parser.add_argument("--churn", type=float, default=0.0)
    arguments = parser.parse_args()
    raise_descriptor_limit()
    external = ExternalClients(arguments.port)
    signal.signal(signal.SIGTERM, lambda *_: setattr(external, "over", True))
    clients = [external.open() for _ in range(arguments.count)]
    print(len(clients), flush=True)
    if arguments.churn:
        external.churn(arguments.churn)
    else:
        external.chatter(clients, arguments.chatter)
    print(external.echoes, external.connected, flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
