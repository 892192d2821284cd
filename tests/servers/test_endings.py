"""However a server ends, no process is left and its port is free."""

import fcntl
import os
import signal
import socket
import subprocess

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import PATTERNS
from echo_servers.records import Block, Note, WorkerStarted

from tests.crossed import seldom
from tests.ports import is_free
from tests.servers.harness import DIFFERENT, FORKING, PROCESSES, QUICK, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close

LASTING = tuple(pattern.name for pattern in PATTERNS if pattern.name != "nonblocking")


def begin(start: Starter, pattern: str) -> tuple[Running, list[socket.socket]]:
    """Start a server with clients: one idle, one in a block, and perhaps some in the accept queue."""
    if pattern not in SERVING:
        server = start.launch(pattern, "--ceiling", "30")
        server.until(Note)
        return server, []
    server = start(pattern, "--workers", "2")
    clients = server.clients(4)
    ask(clients[0])
    server.page.arm(BlockSetting("sleep", 60))
    for client in clients:
        client.sendall(b"held")
    server.until(Block)
    return server, clients


def leaves_nothing(server: Running) -> int:
    """Wait until no process is left and the port is free; return the exit code."""
    code = server.ended()
    eventually(lambda: not server.port or is_free(server.port), "the port is free")
    return code


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda ending: ending.name)
@pytest.mark.parametrize("pattern", seldom(LASTING, *DIFFERENT))
def test_signal_to_the_main_process_ends_the_whole_server(start: Starter, pattern: str, ending: signal.Signals) -> None:
    server, clients = begin(start, pattern)
    server.process.send_signal(ending)
    assert leaves_nothing(server) == -ending
    assert server.err.to_the_end() == ""
    close(clients)


@pytest.mark.parametrize("pattern", seldom(LASTING, *QUICK))
def test_closing_the_parent_death_pipe_ends_the_server(start: Starter, pattern: str) -> None:
    server, clients = begin(start, pattern)
    os.close(server.leash)
    assert leaves_nothing(server) < 0
    close(clients)


@pytest.mark.parametrize("pattern", seldom(LASTING, *DIFFERENT))
def test_killing_the_parent_ends_the_server(start: Starter, pattern: str) -> None:
    server, clients = begin(start, pattern)
    owner = subprocess.Popen(["sleep", "100"], pass_fds=[server.leash])
    os.close(server.leash)
    assert server.process.poll() is None
    owner.kill()
    owner.wait()
    assert leaves_nothing(server) < 0
    close(clients)


@pytest.mark.skipif(not hasattr(fcntl, "F_SETSIG"), reason="without F_SETSIG a stopped process gets the signal later")
@pytest.mark.parametrize("pattern", seldom(LASTING, *QUICK))
def test_killing_the_parent_ends_a_stopped_server(start: Starter, pattern: str) -> None:
    server, clients = begin(start, pattern)
    os.killpg(server.process.pid, signal.SIGSTOP)
    os.close(server.leash)
    assert leaves_nothing(server) == -signal.SIGKILL
    close(clients)


@pytest.mark.parametrize("pattern", FORKING)
def test_workers_end_with_a_killed_main_process(start: Starter, pattern: str) -> None:
    server, clients = begin(start, pattern)
    server.process.kill()
    assert leaves_nothing(server) == -signal.SIGKILL
    close(clients)


@pytest.mark.parametrize("pattern", PROCESSES)
def test_killed_worker_is_reported_and_the_others_serve(start: Starter, pattern: str) -> None:
    server = start(pattern, "--workers", "2")
    server.until(WorkerStarted, 20 if pattern == "process-thread-pool" else 2)
    killed, _ = server.workers()
    killed.kill()
    assert f"process {killed.pid}, has died: SIGKILL" in server.until(Note)[0].text
    with server.connect() as client:
        ask(client)
    server.workers()[0].kill()
    assert server.ended() == 1
    assert server.err.to_the_end() == "every worker has died\n"


@pytest.mark.parametrize("pattern", seldom(SERVING, *DIFFERENT))
def test_pipe_closed_before_startup_ends_the_server(start: Starter, pattern: str) -> None:
    server = start.launch(pattern)
    os.close(server.leash)
    eventually(lambda: server.process.poll() is not None, "the server ends")
    assert server.ended() < 0
