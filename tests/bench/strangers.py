"""External clients in a process of their own: `python -m tests.bench.strangers PORT COUNT`.

Each says something now and then (`--chatter` messages a second each), or so many a second come, have one echo and leave
(`--churn`). It prints how many are connected once they are, and on SIGTERM how many echoes it has had.
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
"""Seconds that one stays which comes and goes."""


class Strangers:
    """The clients, and what they have had."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.echoes = self.connected = 0
        self.over = False
        self._selector = selectors.DefaultSelector()

    def open(self) -> socket.socket:
        """Connect one more."""
        client = connect(self.port)
        self.connected += 1
        self._selector.register(client, selectors.EVENT_READ)
        return client

    def close(self, client: socket.socket) -> None:
        """Disconnect one that owes nothing."""
        self._selector.unregister(client)
        client.close()

    def listen(self, seconds: float) -> None:
        """Take the echoes that come."""
        for key, _ in self._selector.select(max(seconds, 0)):
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(len(MESSAGE))
            if not data:
                raise SystemExit("the server has closed a connection")
            self.echoes += data.endswith(b"\n")

    def chatter(self, clients: list[socket.socket], rate: float) -> None:
        """Have each send its message at this rate, evenly spread, until it is over."""
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
        """Open so many a second, which leave once they have had an echo, until it is over."""
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
    """Connect, talk, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--chatter", type=float, default=0.0)
    parser.add_argument("--churn", type=float, default=0.0)
    arguments = parser.parse_args()
    raise_descriptor_limit()
    strangers = Strangers(arguments.port)
    signal.signal(signal.SIGTERM, lambda *_: setattr(strangers, "over", True))
    clients = [strangers.open() for _ in range(arguments.count)]
    print(len(clients), flush=True)
    if arguments.churn:
        strangers.churn(arguments.churn)
    else:
        strangers.chatter(clients, arguments.chatter)
    print(strangers.echoes, strangers.connected, flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
