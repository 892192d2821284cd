"""Clients on plain sockets in their own process, which record by their own clock what they send and receive.

`python -m tests.fuzz.clients HOST PORT SEED SECONDS` plays the plan and prints the records as JSON.
"""

import contextlib
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

import msgspec

from tests.fuzz.plan import ACTORS, Step, steps

DRAINS = 30.0
"""Seconds to wait for the last echoes: the clients of a single thread are served one after the other."""
TURN = 0.005
HEARD = 20_000_000


class Wait(msgspec.Struct):
    """A message: when (ns) its first byte was sent and its last byte came back; 0 if it never did."""

    begin: int
    end: int


class Notes(msgspec.Struct):
    """One connection by its client's clock (ns). `exact`: closed by both ends in order, and always read."""

    peer: str
    opened: int
    closed: int = 0
    sent: int = 0
    received: int = 0
    exact: bool = True
    waits: list[Wait] = []
    heard: list[int] = []
    """Times at which bytes arrived; of those closer together than `HEARD`, only the first and the last."""


@dataclass(eq=False)
class Client:
    """A client that plays its steps on one connection after the other."""

    host: str
    port: int
    sock: socket.socket | None = None
    notes: Notes | None = None
    out: bytes = b""
    to_echo: int = 0
    due: float = 0.0
    reading: bool = True
    half_closed: bool = False
    flood: list[socket.socket] = field(default_factory=list)

    def open(self) -> Notes:
        """Connect, and return the record of the new connection."""
        self.sock = socket.create_connection((self.host, self.port), DRAINS)
        self.sock.setblocking(False)
        self.out, self.to_echo, self.reading, self.half_closed = b"", 0, True, False
        host, port = self.sock.getsockname()[:2]
        self.notes = Notes(f"{host}:{port}", time.monotonic_ns())
        return self.notes

    def act(self, step: Step, now: float) -> bool:
        """Play a step; return whether the connection is over."""
        assert self.sock
        assert self.notes
        self.due = now + step.pause
        match step.what:
            case "send" | "send large":
                self.send(step.size)
            case "silence":
                self.due = now + step.seconds
            case "stop reading":
                self.send(step.size)
                self.reading, self.notes.exact = False, False
                self.notes.waits.pop()  # this client delays its echo itself
                self.due = now + step.seconds
            case "half-close":
                self.half_closed = True
                self.sock.shutdown(socket.SHUT_WR)
            case "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return True
            case "flood":
                address = (self.host, self.port)
                self.flood = [socket.create_connection(address, DRAINS) for _ in range(step.size)]
                self.due = now + step.seconds
        return False

    def send(self, size: int) -> None:
        assert self.notes
        self.out = bytes(size)
        self.to_echo += size
        self.notes.sent += size
        self.notes.waits.append(Wait(time.monotonic_ns(), 0))

    def turn(self) -> bool:
        """Send and receive without blocking; return whether the server has closed the connection."""
        assert self.sock
        assert self.notes
        with contextlib.suppress(BlockingIOError):
            while self.out:
                self.out = self.out[self.sock.send(self.out) :]
        if not self.reading:
            return False
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.sock.recv(1 << 16)
                if not data:
                    return True
                self.hears(len(data))
        return False

    def hears(self, size: int) -> None:
        assert self.notes
        at, heard = time.monotonic_ns(), self.notes.heard
        self.notes.received += size
        self.to_echo -= size
        if len(heard) > 1 and at - heard[-2] < HEARD:
            heard[-1] = at
        else:
            heard.append(at)
        if not self.to_echo and self.notes.waits and not self.notes.waits[-1].end:
            self.notes.waits[-1].end = at

    def close(self) -> None:
        assert self.sock
        assert self.notes
        self.sock.close()
        self.sock = None
        self.notes.closed = time.monotonic_ns()


def play(host: str, port: int, seed: int, seconds: float) -> list[Notes]:
    """Play for this many seconds, wait for the last echoes, and disconnect."""
    clients = [Client(host, port) for _ in range(ACTORS)]
    plans = [steps(seed, number) for number in range(ACTORS)]
    notes = [client.open() for client in clients]
    over = time.monotonic() + seconds
    while any(client.sock for client in clients) and time.monotonic() < over + DRAINS:
        with selectors.DefaultSelector() as selector:
            for client in clients:
                if client.sock:
                    events = (selectors.EVENT_READ if client.reading else 0) | (
                        selectors.EVENT_WRITE if client.out else 0
                    )
                    if events:
                        selector.register(client.sock, events)
            selector.select(TURN) if selector.get_map() else time.sleep(TURN)
        for client, plan in zip(clients, plans, strict=True):
            if not client.sock:
                continue
            now = time.monotonic()
            try:
                ended = client.turn()
                if not ended and not client.half_closed and now >= client.due:
                    for each in client.flood:
                        each.close()
                    client.flood.clear()
                    client.reading = True
                    if not client.to_echo:
                        ended = now >= over or client.act(next(plan), now)
            except ConnectionError:
                assert client.notes
                ended, client.notes.exact = True, False
            if ended:
                assert client.notes
                if client.half_closed is False and now < over:
                    client.notes.exact = False  # the client has reset it, or the server closed it
                client.close()
                if now < over:
                    notes.append(client.open())
                    client.due = now
    for client in clients:
        if client.sock:
            assert client.notes
            client.notes.exact = False
            client.close()
    return notes


if __name__ == "__main__":
    host, port, seed, seconds = sys.argv[1:]
    sys.stdout.buffer.write(msgspec.json.encode(play(host, int(port), int(seed), float(seconds))))
