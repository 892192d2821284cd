"""Out of descriptors: said once, survived without burning the processor, and over when clients leave.

And select's own limit, which its better brothers do not have.
"""

import os
import re
import resource
import socket
import sys
from collections.abc import Iterator

import pytest
from echo_servers.catalog import BY_NAME
from echo_servers.pattern import LOOP, THREAD
from echo_servers.records import Bye, New, Note, Worker
from echo_servers.server import BACKLOG

from tests.clients.watching import descriptors
from tests.crossed import seldom
from tests.servers.harness import READY_LOOPS, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close, is_silent, name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another process's limit is set by prlimit(2)")

MANY_AT_A_TIME = tuple(name for name in SERVING if BY_NAME[name].serves_in in (THREAD, LOOP))
"""Whose processes serve several connections each."""
FEW = 4
CROWD = 1124
"""More clients than select has room for, by a hundred at least."""


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


def is_idle(server: Running) -> bool:
    before = server.cpu()
    with server.connect() as late:
        assert is_silent(late, 0.4)
    return server.cpu() - before < 0.15 or server.pattern == "busy-loop"


def complaints(server: Running) -> list[str]:
    return [note.text for note in server.events.of(Note) if "out of file descriptors" in note.text]


@pytest.mark.parametrize("pattern", seldom(MANY_AT_A_TIME, "multithread", "asyncio", "eventlet"))
def test_it_serves_those_it_has_and_then_the_others(start: Starter, pattern: str) -> None:
    server, _ = start_with(start, pattern, FEW)
    served = server.clients(FEW)
    for client in served:
        ask(client)
    waiting = server.clients(3)
    for client in waiting:
        client.sendall(b"me too")
    eventually(lambda: complaints(server), "it says so")
    assert is_idle(server)
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
    assert is_idle(server)
    assert len(server.until(New)) == 2
    leave_descriptors(server, taken, FEW)
    ask(client)
    client.close()
    assert len(complaints(server)) == 1


@pytest.fixture
def crowded(start: Starter, request: pytest.FixtureRequest) -> Iterator[tuple[Running, list[socket.socket]]]:
    """A server that began with few descriptors, and more clients than select has room for."""
    if (hard := resource.getrlimit(resource.RLIMIT_NOFILE)[1]) < 2 * CROWD:
        pytest.skip(f"a process may have {hard} descriptors here, too few for select to reach its own limit")
    with descriptors(256):
        server = start(request.param)
    server.events.widen()
    with descriptors(2 * CROWD):
        clients: list[socket.socket] = []
        for begin in range(0, CROWD, BACKLOG):  # not more at a time than the accept queue has room for
            end = min(begin + BACKLOG, CROWD)
            clients += server.clients(end - begin)
            eventually(lambda end=end: server.events.totals().new == end, "they are accepted")  # type: ignore[misc]
        yield server, clients
        close(clients)


@pytest.mark.parametrize("crowded", ["select-loop"], indirect=True)
def test_select_says_whom_it_cannot_take_and_serves_the_others(
    crowded: tuple[Running, list[socket.socket]],
) -> None:
    server, clients = crowded
    away = {bye.conn for bye in server.until(Bye, CROWD - 1024)}
    refused = [client for number, client in enumerate(clients, 1) if number in away]
    served = [client for number, client in enumerate(clients, 1) if number not in away]
    assert len(served) < 1024
    assert away == set(range(len(served) + 1, CROWD + 1)), "the last ones to come"
    for client in refused:
        assert client.recv(1) == b""
    for client in served:
        ask(client)
    first, *later = [note.text for note in server.events.of(Note)]
    assert re.fullmatch(
        rf"client {len(served) + 1:,} \({re.escape(name(refused[0]))}\) is turned away: its descriptor is 1024, and "
        rf"select takes none so high \(FD_SETSIZE\); the {len(served):,} others are served",
        first,
    )
    assert [text.rpartition(";")[2] for text in later] == [" it is the 10th", " it is the 100th"]
    served[0].close()
    server.until(Bye, len(away) + 1)
    with server.connect() as welcome:
        ask(welcome)
    assert server.err.text == ""


@pytest.mark.parametrize("crowded", [loop for loop in READY_LOOPS if loop != "select-loop"], indirect=True)
def test_its_better_brothers_serve_them_all(crowded: tuple[Running, list[socket.socket]]) -> None:
    server, clients = crowded
    for client in clients:
        ask(client)
    assert not server.events.of(Note)
    assert not server.events.of(Bye)
