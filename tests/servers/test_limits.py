"""Out of descriptors: said once, survived without burning the processor, and over when clients leave."""

import os
import resource
import sys

import pytest

from servers.records import New, Note, Worker
from tests.servers.harness import LOOPS, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close, is_silent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another process's limit is set by prlimit(2)")

MANY_AT_A_TIME = ("multithread", "thread-pool", "process-thread-pool", *LOOPS)
FEW = 4


def leave_descriptors(server: Running, taken: set[int], count: int) -> None:
    """Let the serving process open so many more than are taken."""
    free = [fd for fd in range(4096) if fd not in taken]
    resource.prlimit(server.workers()[0].pid, resource.RLIMIT_NOFILE, (free[count], 4096))


def start_with(start: Starter, pattern: str, count: int) -> tuple[Running, set[int]]:
    """A server with so many descriptors left, and those that it has taken.

    A thread that already waits in accept has its descriptor reserved, so each of them serves a client first.
    """
    server = start(pattern, "--workers", "1" if pattern.startswith("process") else "10")
    waiting = 10 if "thread-pool" in pattern else 1
    if waiting > 1:
        server.until(Worker, waiting)
    with server.connect() as client:
        ask(client)
    eventually(lambda: server.events.totals().bye == 1, "it is alone again")
    taken = {int(fd) for fd in os.listdir(f"/proc/{server.workers()[0].pid}/fd")}
    clients = server.clients(waiting)
    for client in clients:
        ask(client)
    leave_descriptors(server, taken, count)
    close(clients)
    eventually(lambda: server.events.totals().bye == 1 + waiting, "it is alone again")
    return server, taken


def rests(server: Running) -> bool:
    before = server.cpu()
    with server.connect() as late:
        assert is_silent(late, 0.4)
    return server.cpu() - before < 0.15 or server.pattern == "busy-loop"


def complaints(server: Running) -> list[str]:
    return [note.text for note in server.events.of(Note) if "out of file descriptors" in note.text]


@pytest.mark.parametrize("pattern", MANY_AT_A_TIME)
def test_it_serves_those_it_has_and_then_the_others(start: Starter, pattern: str) -> None:
    server, _ = start_with(start, pattern, FEW)
    served = server.clients(FEW)
    for client in served:
        ask(client)
    waiting = server.clients(3)
    for client in waiting:
        client.sendall(b"me too")
    eventually(lambda: complaints(server), "it says so")
    assert rests(server)
    for client in served:
        ask(client)
    assert is_silent(waiting[0])
    close(served)
    for client in waiting:
        assert client.recv(10) == b"me too"
    close(waiting)
    assert len(complaints(server)) == 1
    assert server.err.text == ""


@pytest.mark.parametrize("pattern", [pattern for pattern in SERVING if pattern not in MANY_AT_A_TIME])
def test_with_none_left_it_waits_for_one(start: Starter, pattern: str) -> None:
    server, taken = start_with(start, pattern, 0)
    client = server.connect()
    eventually(lambda: complaints(server), "it says so")
    assert rests(server)
    assert len(server.until(New)) == 2
    leave_descriptors(server, taken, FEW)
    ask(client)
    client.close()
    assert len(complaints(server)) == 1
