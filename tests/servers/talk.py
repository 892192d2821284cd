"""Clients on plain sockets for the tests in this directory: well-behaved, slow, silent and misbehaving."""

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from tests.servers.harness import BRIEFLY, PATIENCE


def name(client: socket.socket) -> str:
    """Return a client's address as the server's lines show it."""
    host, port = client.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def receive(client: socket.socket, size: int) -> bytes:
    """Receive this many bytes, or fewer if the server closes the connection."""
    data = bytearray()
    while len(data) < size and (chunk := client.recv(size - len(data))):
        data += chunk
    return bytes(data)


def ask(client: socket.socket, message: bytes = b"hogehoge\n") -> None:
    """Send a message and check its echo."""
    client.sendall(message)
    assert receive(client, len(message)) == message


def converse(client: socket.socket, data: bytes, *, bite: int = 2**16) -> bytes:
    """Send all of `data` while receiving at most `bite` bytes at a time; return the echo."""
    client.setblocking(False)
    unsent, echo = memoryview(data), bytearray()
    deadline = time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while len(echo) < len(data):
            assert time.monotonic() < deadline, f"{len(echo)} of {len(data)} bytes came back"
            if not unsent:
                selector.modify(client, selectors.EVENT_READ)
            for _, ready in selector.select(1):
                if ready & selectors.EVENT_WRITE and unsent:
                    unsent = unsent[client.send(unsent) :]
                if ready & selectors.EVENT_READ:
                    chunk = client.recv(bite)
                    assert chunk, "closed before the whole echo arrived"
                    echo += chunk
    client.settimeout(PATIENCE)
    return bytes(echo)


def is_silent(client: socket.socket, seconds: float = BRIEFLY) -> bool:
    """Return whether nothing arrives within this time."""
    client.settimeout(seconds)
    try:
        client.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE)
    return False


def reset(client: socket.socket) -> None:
    """Close a connection with a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def close(clients: Iterable[socket.socket]) -> None:
    for client in clients:
        client.close()


@contextlib.contextmanager
def together(*jobs: Callable[[], object]) -> Iterator[None]:
    """Run the jobs in threads beside the body; re-raise the first exception of a job."""
    failures: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
