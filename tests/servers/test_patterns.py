"""What each pattern shows: who is served, who waits, and what it costs."""

import socket
import subprocess
import sys

import psutil
import pytest
from echo_servers.block import BlockSetting
from echo_servers.records import Block, Bye, New, Note, Recv, Send, ThreadCount, Unblock, Wakes, WorkerStarted
from echo_servers.workers import THREADS, cores

from tests.crossed import seldom
from tests.servers.harness import BLOCKED_AS_ONE, LOOPS, ONE_AT_A_TIME, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, close, is_silent

ROOM = [
    ("single-thread", [], 1),
    ("busy-loop", [], 1),
    ("thread-pool", [], 10),
    ("thread-pool", ["--workers", "2"], 2),
    ("process-pool", [], cores()),
    ("process-pool", ["--workers", "3"], 3),
    ("process-thread-pool", ["--workers", "2"], 20),
]
UNBOUNDED = ("multithread", *LOOPS)
NUMBERS_OF_THREADS = {"multithread": 61, "eventlet-tpool": 1 + THREADS}
"""Native threads with 60 clients; one for those not named here."""


@pytest.mark.parametrize(("pattern", "options", "room"), ROOM)
def test_client_beyond_capacity_waits_and_is_served_later(
    start: Starter, pattern: str, options: list[str], room: int
) -> None:
    server = start(pattern, *options)
    if pattern not in ONE_AT_A_TIME:
        assert len({(worker.pid, worker.tid) for worker in server.until(WorkerStarted, room)[-room:]}) == room
    served = server.clients(room)
    waiting = server.connect()
    waiting.sendall(b"me too")
    for client in served:
        ask(client)
    assert is_silent(waiting)
    assert len(server.events.of(New)) == room
    served[room // 2].close()
    assert waiting.recv(100) == b"me too"
    close([waiting, *served])


@pytest.mark.parametrize("pattern", UNBOUNDED)
def test_many_clients_are_served(start: Starter, pattern: str) -> None:
    server = start(pattern)
    clients = server.clients(60)
    for client in [*clients, *reversed(clients)]:
        ask(client)
    process, threads = psutil.Process(server.process.pid), NUMBERS_OF_THREADS.get(pattern, 1)
    eventually(lambda: process.num_threads() == threads, f"the threads in NUMBERS_OF_THREADS: {threads}")
    close(clients)


def test_multithread_has_a_thread_per_client(start: Starter) -> None:
    server = start("multithread")
    main = psutil.Process(server.process.pid)
    alone = main.num_threads()
    clients = []
    for count in range(1, 4):
        clients.append(server.connect())
        ask(clients[-1])
        assert main.num_threads() == alone + count
    for count in (2, 1, 0):
        clients.pop().close()
        eventually(lambda count=count: main.num_threads() == alone + count, "one thread less")  # type: ignore[misc]


def test_too_many_threads_names_the_number_and_the_limit(start: Starter) -> None:
    server = start.launch("too-many-threads")
    assert server.ended() == 1
    counts = [record.count for record in server.events.of(ThreadCount)]
    assert counts == sorted(counts)
    assert f"refused after {counts[-1]} threads: " in server.events.of(Note)[-1].text
    assert any(limit in server.events.of(Note)[-1].text for limit in ("RLIMIT_", "pids.max", "kernel.", "vm."))
    assert "RuntimeError: can't start new thread" in server.err.to_the_end()
    assert counts[-1] > 100


def test_too_many_threads_stops_at_its_ceiling(start: Starter) -> None:
    server = start.launch("too-many-threads", "--ceiling", "40")
    assert "ceiling of 40 threads" in server.until(Note)[-1].text
    assert psutil.Process(server.process.pid).num_threads() == server.events.of(ThreadCount)[-1].count == 40


def test_nonblocking_ends_with_blocking_io_error(start: Starter) -> None:
    server = start.launch("nonblocking")
    assert server.ended() == 1
    traceback = server.err.to_the_end().splitlines()
    assert traceback[0].startswith("Traceback")
    assert "nonblocking.py" in traceback[1]
    assert traceback[-1].startswith("BlockingIOError")


FLOOD = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while client.send(bytes(64)):
    client.recv(64)
"""


def test_two_busy_clients_use_two_processes_of_a_pool(start: Starter) -> None:
    """Both processes compute at the same time: neither has much less CPU time than the other."""
    server = start("process-pool", "--workers", "2")
    server.until(WorkerStarted, 2)
    workers = server.workers()
    floods = [subprocess.Popen([sys.executable, "-c", FLOOD, str(server.port)]) for _ in workers]
    try:
        server.until(New, 2)
        eventually(lambda: server.events.drain() and min(cpu(worker) for worker in workers) > 0.2, "both compute")
        spent = sorted(cpu(worker) for worker in workers)
        assert spent[0] > spent[1] / 5
        assert [worker.num_threads() for worker in workers] == [1, 1]
    finally:
        for flood in floods:
            flood.kill()
            flood.wait()


def cpu(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


def test_busy_loop_uses_cpu_and_select_loop_does_not(start: Starter) -> None:
    """Without clients and with idle ones, measured over the same time."""
    busy, resting = start("busy-loop"), start("select-loop")
    for clients in (0, 1):
        quiet = busy.clients(clients) + resting.clients(5 * clients)
        for client in quiet:
            ask(client)
        busy_before, resting_before = busy.cpu(), resting.cpu()
        eventually(lambda before=busy_before: busy.cpu() - before > 0.3, "the busy loop uses CPU")  # type: ignore[misc]
        assert resting.cpu() - resting_before < 0.03
        close(quiet)


@pytest.mark.parametrize(
    "pattern",
    seldom(
        [pattern for pattern in SERVING if pattern != "busy-loop"],
        "multithread",
        "process-thread-pool",
        "asyncio",
        "eventlet",
        "twisted",
    ),
)
def test_waiting_uses_no_cpu_in_other_patterns(start: Starter, pattern: str) -> None:
    server = start(pattern)
    with server.connect() as client:
        ask(client)
        before = server.cpu()
        assert is_silent(client, 0.3)
        assert server.cpu() - before < 0.1


@pytest.mark.parametrize("pattern", [pattern for pattern in SERVING if pattern not in BLOCKED_AS_ONE])
def test_block_affects_only_the_sender(start: Starter, pattern: str) -> None:
    """The block lasts a minute; its begin is reported, and another client is served meanwhile."""
    server = start(pattern, "--workers", "2")
    server.page.arm(BlockSetting("sleep", 60))
    held, free = apart(server) if pattern == "process-loops" else server.clients(2)
    held.sendall(b"hold me")
    assert server.until(Block)[0].seconds == 60
    server.page.arm(None)
    for _ in range(3):
        ask(free)
    assert server.until(Recv, 4)[0].size == len(b"hold me")
    assert len(server.until(Send, 3)) == 3
    assert not server.events.of(Unblock)
    assert is_silent(held)
    close([held, free])


def apart(server: Running) -> list[socket.socket]:
    """Return two clients served by different processes."""
    clients: dict[int, socket.socket] = {}
    server.until(Wakes, 2)
    for count in range(1, 100):
        client = server.connect()
        clients.setdefault(server.until(New, count)[-1].pid, client)
        if len(clients) == 2:
            return list(clients.values())
    raise AssertionError("one process accepts all clients")


@pytest.mark.parametrize("pattern", seldom(BLOCKED_AS_ONE, "single-thread", "epoll-loop", "asyncio", "trio"))
def test_block_stops_every_client(start: Starter, pattern: str) -> None:
    """During the block no client gets an echo or is accepted; afterwards all are served."""
    server = start(pattern, "--block", "0.2", page=False)
    sender, neighbour = server.connect(), server.connect()
    ask(sender, b"1")
    sender.sendall(b"2")
    server.until(Block, 2)
    neighbour.sendall(b"3")
    late = server.connect()
    late.sendall(b"4")
    server.until(Unblock, 2)
    assert sender.recv(10) == b"2"
    sender.close()
    assert neighbour.recv(10) == b"3"
    neighbour.close()
    assert late.recv(10) == b"4"
    late.close()
    server.until(Bye, 3)
    kinds = [type(record) for record in server.events.records]
    for place, kind in enumerate(kinds):
        assert kind is not Block or kinds[place + 1] is Unblock


def test_asyncio_blocking_sleeps_twenty_seconds(start: Starter) -> None:
    server = start("asyncio-blocking", page=False)
    with server.connect() as client:
        client.sendall(b"hogehoge\n")
        assert server.until(Block)[0].seconds == 20.0
        assert is_silent(client)
