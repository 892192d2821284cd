"""Our clients never talk to a program that is not our server."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator

import pytest
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.model.endings import Ending
from echo_tui.run.live import Live
from echo_tui.run.our_clients import FLOOD
from echo_tui.run.plan import Plan

from tests.run.test_live import Run


@pytest.fixture
def foreign() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def run(foreign: socket.socket) -> Iterator[Run]:
    it = Run(Plan(options=Options(port=foreign.getsockname()[1])))
    yield it
    it.live.close()


def assert_nobody_came(foreign: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        connection, peer = foreign.accept()
        connection.close()
        raise AssertionError(f"{peer} has connected to a foreign program")


def settle(live: Live) -> None:
    """Wait until the client process has executed all commands: they run in order, and the last connect must fail."""
    live.client_process.open([999], "192.0.2.1.invalid", 1)
    run = Run.__new__(Run)
    run.live = live
    run.until(lambda: 999 in live.session.clients and live.session.clients[999].ended, "the last command obeyed")


def test_no_client_connects_to_the_program_that_has_the_port(run: Run, foreign: socket.socket) -> None:
    live = run.live
    live.open_clients(2)
    live.start(find("asyncio"))
    live.open_clients(2)
    run.until(lambda: live.session.server and not live.session.server.running, "the server's refusal")
    live.open_clients(2)
    assert live.flood() == 0
    live.client_process.send([], b"secret\n")
    live.load([], 50, 64)
    run.until(lambda: len(live.session.clients) == 6, "all clients named")
    settle(live)
    assert_nobody_came(foreign)
    assert {live.session.clients[number].ended for number in range(1, 7)} == {Ending.SERVER_ENDED}


def test_waiting_clients_connect_once_our_server_listens(run: Run, foreign: socket.socket) -> None:
    live = run.live
    live.start(find("asyncio"))
    run.until(lambda: live.session.server and not live.session.server.running, "the server's refusal")
    numbers = live.open_clients(3)
    live.close_clients([numbers[0]])
    foreign.close()
    live.start(find("asyncio"))
    known = live.session.connections.values
    run.until(lambda: sorted(c.client or 0 for c in known()) == numbers[1:], "the two that were not closed")


def test_no_client_connects_to_a_program_that_gets_the_port_later(run: Run, foreign: socket.socket) -> None:
    live, port = run.live, foreign.getsockname()[1]
    foreign.close()
    live.start(find("multithread"))
    live.open_clients(2)
    live.load([], 50, 64)
    run.until(lambda: len(live.session.connections) == 2, "both clients")
    assert live.child
    os.kill(live.child.pid, signal.SIGKILL)
    run.until(lambda: live.child is None, "the end of the server")
    with socket.create_server(("127.0.0.1", port), backlog=FLOOD) as taker:
        taker.setblocking(False)
        live.open_clients(2)
        assert live.flood() == 0
        settle(live)
        assert_nobody_came(taker)


def test_server_without_reports_is_not_confused_with_a_program(foreign: socket.socket) -> None:
    """The kernel shows a listening socket on the port; the descriptors of our server show that it is not its own."""
    run = Run(Plan(options=Options(port=foreign.getsockname()[1]), reports=False))
    live = run.live
    try:
        live.start(find("asyncio"))
        live.open_clients(2)

        def refused() -> bool:
            live.sample_kernel()
            return bool(live.session.server and not live.session.server.running)

        run.until(refused, "the server's refusal")
        assert live.session.server
        assert not live.session.server.listening_at
        settle(live)
        assert_nobody_came(foreign)
    finally:
        live.close()
