"""Running out of descriptors is reported once, uses no CPU while it lasts, and ends when clients leave.

Also the limit of select (FD_SETSIZE), which poll and epoll do not have.
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
from echo_servers.records import Bye, New, Note, WorkerStarted
from echo_servers.server import BACKLOG

from tests.clients.watching import descriptors
from tests.crossed import seldom
from tests.servers.harness import READY_LOOPS, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close, is_silent, name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another process's limit is set by prlimit(2)")

MANY_AT_A_TIME = tuple(name for name in SERVING if BY_NAME[name].serves_in in (THREAD, LOOP))
"""Patterns in which one process serves several connections."""
FEW = 4
CLIENTS = 1124
"""At least a hundred clients more than select can serve."""


def leave_descriptors(server: Running, taken: set[int], count: int) -> None:
    """Let the serving process open `count` more descriptors than are in use."""
    free = [fd for fd in range(4096) if fd not in taken]
    resource.prlimit(server.workers()[0].pid, resource.RLIMIT_NOFILE, (free[count], 4096))


def start_with(start: Starter, pattern: str, count: int) -> tuple[Running, set[int]]:
    """Start a server with `count` free descriptors; return it and the descriptors in use.

    A thread that already waits in accept has reserved a descriptor, so each of these threads serves a client first.
    """
    server = start(pattern, "--workers", "1" if pattern.startswith("process") else "10")
    waiting = 10 if "thread-pool" in pattern else 1
    if waiting > 1:
        server.until(WorkerStarted, waiting)
    with server.connect() as client:
        ask(client)
    eventually(lambda: server.events.totals().bye == 1, "all clients have left")
    taken = {int(fd) for fd in os.listdir(f"/proc/{server.workers()[0].pid}/fd")}
    clients = server.clients(waiting)
    for client in clients:
        ask(client)
    leave_descriptors(server, taken, count)
    close(clients)
    eventually(lambda: server.events.totals().bye == 1 + waiting, "all clients have left")
    return server, taken


def is_idle(server: Running) -> bool:
    before = server.cpu()
    with server.connect() as late:
        assert is_silent(late, 0.4)
    return server.cpu() - before < 0.15 or server.pattern == "busy-loop"


def complaints(server: Running) -> list[str]:
    return [note.text for note in server.events.of(Note) if "out of file descriptors" in note.text]


@pytest.mark.parametrize("pattern", seldom(MANY_AT_A_TIME, "multithread", "asyncio", "eventlet"))
def test_connected_clients_are_served_first_and_waiting_ones_later(start: Starter, pattern: str) -> None:
    server, _ = start_with(start, pattern, FEW)
    served = server.clients(FEW)
    for client in served:
        ask(client)
    waiting = server.clients(3)
    for client in waiting:
        client.sendall(b"me too")
    eventually(lambda: complaints(server), "the note")
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
def test_accept_waits_for_a_free_descriptor(start: Starter, pattern: str) -> None:
    server, taken = start_with(start, pattern, 0)
    client = server.connect()
    eventually(lambda: complaints(server), "the note")
    assert is_idle(server)
    assert len(server.until(New)) == 2
    leave_descriptors(server, taken, FEW)
    ask(client)
    client.close()
    assert len(complaints(server)) == 1


@pytest.fixture
def busy(start: Starter, request: pytest.FixtureRequest) -> Iterator[tuple[Running, list[socket.socket]]]:
    """Yield a server started with few descriptors, and more clients than select can serve."""
    if (hard := resource.getrlimit(resource.RLIMIT_NOFILE)[1]) < 2 * CLIENTS:
        pytest.skip(f"a process may have {hard} descriptors here, too few for select to reach its own limit")
    with descriptors(256):
        server = start(request.param)
    server.events.widen()
    with descriptors(2 * CLIENTS):
        clients: list[socket.socket] = []
        for begin in range(0, CLIENTS, BACKLOG):  # no more at a time than the accept queue holds
            end = min(begin + BACKLOG, CLIENTS)
            clients += server.clients(end - begin)
            eventually(lambda end=end: server.events.totals().new == end, "they are accepted")  # type: ignore[misc]
        yield server, clients
        close(clients)


@pytest.mark.parametrize("busy", ["select-loop"], indirect=True)
def test_select_rejects_clients_beyond_its_limit_and_serves_the_others(
    busy: tuple[Running, list[socket.socket]],
) -> None:
    server, clients = busy
    away = {bye.conn for bye in server.until(Bye, CLIENTS - 1024)}
    refused = [client for number, client in enumerate(clients, 1) if number in away]
    served = [client for number, client in enumerate(clients, 1) if number not in away]
    assert len(served) < 1024
    assert away == set(range(len(served) + 1, CLIENTS + 1)), "the last clients"
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


@pytest.mark.parametrize("busy", [loop for loop in READY_LOOPS if loop != "select-loop"], indirect=True)
def test_poll_and_epoll_serve_all_clients(busy: tuple[Running, list[socket.socket]]) -> None:
    server, clients = busy
    for client in clients:
        ask(client)
    assert not server.events.of(Note)
    assert not server.events.of(Bye)
