"""A live run: server, clients and session together, as the dashboard uses them."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import BY_NAME
from echo_servers.records import Recv
from echo_servers.server import Options
from echo_servers.workers import cores
from echo_tui.model.remembered import State
from echo_tui.run.live import Live
from echo_tui.run.our_clients import REVIVAL
from echo_tui.run.plan import Plan

from tests.observers.watching import LIMIT, is_gone
from tests.ports import free_port, is_free

HOGE = b"hogehoge\n"


class Run:
    """A live run, driven as a screen would drive it."""

    def __init__(self, plan: Plan) -> None:
        self.live = Live(plan)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Drain and sample until the condition is true; fail after LIMIT seconds."""
        end = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < end, f"missed: {what}"
            self.live.drain()
            self.live.sample_resources()
            time.sleep(0.005)

    def start(self, pattern: str) -> None:
        self.live.start(BY_NAME[pattern])
        self.until(lambda: self.live.session.server and self.live.session.server.listening_at, f"{pattern} listens")

    def states(self) -> dict[int, State | None]:
        """Return the state of each of our clients' connections, by the client's number; None without a connection."""
        return {n: c.connection.state if c.connection else None for n, c in self.live.session.clients.items()}

    def all_are(self, state: State, numbers: list[int]) -> None:
        self.until(lambda: self.states() == dict.fromkeys(numbers, state), f"{numbers} are {state}")

    def say(self, numbers: list[int], data: bytes = HOGE) -> None:
        """Send, and wait for the echoes."""
        clients = self.live.session.clients
        before = {n: clients[n].echoed for n in numbers}
        assert self.live.client_process.send(numbers, data)
        self.until(lambda: all(clients[n].echoed == before[n] + 1 for n in numbers), f"echoes for {numbers}")


@pytest.fixture
def run() -> Iterator[Run]:
    it = Run(Plan(options=Options(port=free_port())))
    yield it
    it.live.close()


def test_clients_follow_from_pattern_to_pattern(run: Run) -> None:
    run.start("multithread")
    numbers = run.live.open_clients(3)
    assert numbers == [1, 2, 3]
    for pattern in ("multithread", "asyncio", "process-thread-pool", "eventlet", "select-loop"):
        session = run.live.session
        if session.server and session.server.pattern != pattern:
            run.start(pattern)
            assert run.live.session is not session
        run.all_are(State.QUIET, numbers)
        run.say(numbers)
        session = run.live.session
        run.until(lambda: session.totals.send == 3, "the server's reports")  # noqa: B023
        assert (session.totals.recv_bytes, session.totals.echoes) == (3 * len(HOGE), 3)
        assert {c.client for c in session.connections.values()} == {1, 2, 3}
        assert not any(session.is_external(c, time.monotonic_ns()) for c in session.connections.values())
        assert session.totals.lost == session.totals.garbled == session.totals.spoiled == 0
    assert run.live.open_clients(1) == [4]


def test_single_thread_serves_one_client_and_shows_external_ones(run: Run) -> None:
    run.start("single-thread")
    run.live.open_clients(2)
    run.until(lambda: set(run.states().values()) == {State.QUIET, State.QUEUED}, "one is served, one waits")
    with socket.create_connection(("127.0.0.1", run.live.plan.options.port)):
        run.live.client_process.close([1, 2])
        run.until(lambda: [c for c in run.live.session.connections.values() if c.client is None], "the external one")
        (guest,) = [c for c in run.live.session.connections.values() if c.client is None]
        assert run.live.session.is_external(guest, time.monotonic_ns()) is True
    run.until(lambda: not run.live.session.connections, "all have left")


def test_fast_changes_of_pattern_leave_no_stale_connections(run: Run) -> None:
    """If the pattern changes before the clients have connected, the session has only connections of the new server."""
    run.start("asyncio")
    numbers = run.live.open_clients(20)
    for pattern in ("multithread", "select-loop", "asyncio", "multithread"):
        run.start(pattern)
    run.all_are(State.QUIET, numbers)
    session = run.live.session
    assert len(session.connections) == 20
    assert {c.client for c in session.connections.values()} == set(numbers)
    assert not session.connections.closed
    assert session.clients.opening == 0


def test_port_in_use_is_refused_in_one_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", run.live.plan.options.port)):
        run.live.start(BY_NAME["asyncio"])
        run.until(lambda: not run.live.running, "it gives up")
        assert run.live.refusal().startswith(f"port {run.live.plan.options.port} is in use by ")
        assert run.live.refusal().endswith(f"process {os.getpid()}: end that, or choose another with --port")
        assert run.live.child is None
    run.start("asyncio")
    assert run.live.refusal() == ""


def test_planned_block_is_known_before_a_server_runs() -> None:
    run = Run(Plan(block=BlockSetting("cpu", 1)))
    block = run.live.session.block
    run.live.close()
    assert (block.on, block.kind, block.seconds) == (True, "cpu", 1)


def test_block_of_a_pattern_ends_with_the_pattern(run: Run) -> None:
    live = run.live
    run.start("multithread")
    assert live.block.now is None
    assert not live.session.block.on
    run.start("asyncio-blocking")
    assert live.block.now == BlockSetting("sleep", 20.0)
    assert (live.session.block.on, live.session.block.seconds) == (True, 20.0)
    run.start("asyncio")
    assert live.block.now is None
    assert not live.session.block.on


def test_block_armed_by_the_user_stays_armed(run: Run) -> None:
    live = run.live
    run.start("asyncio")
    live.arm(BlockSetting("sleep", 0.5))
    for pattern in ("asyncio-blocking", "multithread"):
        run.start(pattern)
        assert live.block.now == BlockSetting("sleep", 0.5)
        assert (live.session.block.on, live.session.block.seconds) == (True, 0.5)
    assert live.toggle_block() is False
    run.start("asyncio")
    assert live.block.now is None


def test_block_of_asyncio_blocking_is_disarmed_and_armed(run: Run) -> None:
    live = run.live
    run.start("asyncio-blocking")
    (number,) = live.open_clients()
    run.all_are(State.QUIET, [number])
    assert live.toggle_block() is False
    assert live.session.block.on is False
    run.say([number])
    assert not live.session.blocks.spans
    assert live.toggle_block() is True
    live.client_process.send([number], HOGE)
    run.until(lambda: live.session.blocks.running, "the loop sleeps")
    assert run.states() == {number: State.WAITING}
    run.live.open_clients()
    run.until(lambda: run.states().get(2) is State.QUEUED, "client 2 is not accepted meanwhile")


def test_restarted_pattern_keeps_its_block_and_workers(run: Run) -> None:
    live = run.live
    run.start("asyncio-blocking")
    assert live.toggle_block() is False
    for _ in range(2):
        live.stop()
        live.start_again()
        assert live.block.now is None
        assert live.session.block.on is False
    assert live.toggle_block() is True
    assert live.block.now == BlockSetting("sleep", 20.0), "the setting that was disarmed"
    assert live.toggle_block() is False
    run.start("asyncio-blocking")
    assert live.block.now == BlockSetting("sleep", 20.0), "choosing the pattern again arms its own block"
    live.start(BY_NAME["process-pool"], workers=5)
    for again in (True, False):
        run.until(lambda: len(live.session.workers) == 5, "five processes")
        if again:
            live.start_again()
    run.start("process-pool")
    run.until(lambda: len(live.session.workers) == cores(), "as many as ever")


def test_killed_server_is_shown_and_its_clients_detect_it(run: Run) -> None:
    live = run.live
    run.start("process-pool")
    numbers = live.open_clients(2)
    run.all_are(State.QUIET, numbers)
    assert live.child
    os.kill(live.child.pid, signal.SIGKILL)
    run.until(lambda: not live.running, "the end")
    server = live.session.server
    assert server
    assert (server.code, server.wanted) == (-9, False)
    assert not live.child
    run.all_are(State.CLOSED, numbers)
    run.until(lambda: all(c.ended for c in live.session.clients.values()), "the clients see it")
    assert not live.session.connections
    assert not live.session.workers
    assert is_free(live.plan.options.port)
    run.start("asyncio")
    run.all_are(State.QUIET, numbers)


def test_killed_worker_leaves_no_connection(run: Run) -> None:
    live = run.live
    run.start("process-thread-pool")
    run.until(lambda: len(live.session.resources.processes) > 1, "workers are sampled")
    numbers = live.open_clients(4)
    run.all_are(State.QUIET, numbers)
    live.client_process.chatter(numbers, 200, 64)
    run.until(lambda: live.session.totals.echoes > 100, "they chatter")
    victim = next(iter(live.session.connections.values())).pid
    os.kill(victim, signal.SIGKILL)
    run.until(lambda: live.session.resources.processes[victim].gone_at, "its end is seen")
    run.until(lambda: not any(c.pid == victim for c in live.session.connections.values()), "its clients are gone")
    assert "?" not in {c.peer for c in (*live.session.connections.values(), *live.session.connections.closed)}


def test_nonblocking_ends_at_once_with_a_traceback(run: Run) -> None:
    run.live.start(BY_NAME["nonblocking"])
    run.until(lambda: not run.live.running, "its end")
    assert run.live.session.server
    assert run.live.session.server.code == 1
    assert run.live.session.printed.lines[-1].text.startswith("BlockingIOError")
    assert run.live.refusal() == "", "the server was not refused, it has died"


def test_stop_reads_the_last_records(run: Run) -> None:
    run.start("multithread")
    with socket.create_connection(("127.0.0.1", run.live.plan.options.port)) as client:
        for _ in range(2):  # a server that echoes the second message has reported the first
            client.sendall(HOGE)
            assert client.recv(100) == HOGE
        run.live.stop()
        server = run.live.session.server
        assert server
        assert (run.live.running, server.wanted) == (False, True)
        assert Recv in {type(o) for o, _ in run.live.session.log.slice(0, 99)}
    run.live.stop()


def test_options_of_a_plan_reach_the_server() -> None:
    run = Run(Plan(options=Options(port=0, workers=3), block=BlockSetting("sleep", 0.01)))
    try:
        run.start("thread-pool")
        run.until(lambda: len(run.live.session.workers) == 3, "three workers")
        assert run.live.session.block.on
        numbers = run.live.open_clients(2)
        run.all_are(State.QUIET, numbers)
        run.say(numbers)
        assert {b.seconds for b in run.live.session.blocks.spans} == {0.01}
        run.live.lag(5_000_000)
        assert run.live.session.resources.worst_lag(time.monotonic_ns()) == 5_000_000
    finally:
        run.live.close()


def test_close_leaves_nothing() -> None:
    me = psutil.Process()
    before, descriptors = set(me.children(recursive=True)), me.num_fds()
    run = Run(Plan(options=Options(port=free_port())))
    run.start("process-thread-pool")
    numbers = run.live.open_clients(3)
    run.all_are(State.QUIET, numbers)
    processes = set(me.children(recursive=True)) - before
    assert len(processes) > 2
    run.live.close()
    assert all(map(is_gone, processes))
    assert me.num_fds() == descriptors
    assert is_free(run.live.plan.options.port)


def test_nothing_starts_again_after_close() -> None:
    live = Live(Plan(options=Options(port=0)))
    live.start(BY_NAME["asyncio"])
    live.open_clients(2)
    live.close()
    live.start(BY_NAME["asyncio"])
    time.sleep(REVIVAL * 1.1)
    assert live.drain() == 0
    assert not live.client_process.running
    assert live.child is None


def test_clients_reconnect_after_their_process_was_killed(run: Run) -> None:
    run.start("asyncio")
    numbers = run.live.open_clients(3)
    run.all_are(State.QUIET, numbers)
    run.live.flood()
    run.until(lambda: run.live.session.clients.flood.count, "a flood")
    died = run.live.client_process.pid
    os.kill(died, signal.SIGKILL)
    run.until(lambda: run.live.client_process.pid != died, "a new process for the clients")
    assert not run.live.session.clients.flood.count
    run.all_are(State.QUIET, numbers)
    run.say(numbers)


def test_load_continues_with_the_next_server(run: Run) -> None:
    live = run.live
    run.start("asyncio")
    first, second = live.open_clients(2)
    live.load([first], 20, 64)
    assert live.session.clients.loads == {first: 20}
    run.start("multithread")
    assert live.session.clients.loads == {first: 20}
    run.until(lambda: live.session.totals.recv, "the load goes on")
    live.load([], 5, 64)
    assert live.session.clients.loads == {first: 5, second: 5}
    live.close_clients([first])
    assert live.session.clients.loads == {second: 5}
    live.load([], 0, 64)
    assert live.session.clients.loads == {}
