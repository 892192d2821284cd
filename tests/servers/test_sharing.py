"""Loops in several processes on one port: which gets a connection, how many wake, and what a blocked one delays."""

import select
import socket
from collections import Counter

import psutil
import pytest
from echo_servers import sharing
from echo_servers.block import BlockSetting
from echo_servers.records import Block, Listening, New, Note, Wakes
from echo_servers.server import BadRequest, Options, Server

from tests.servers.harness import Running, Starter, eventually
from tests.servers.talk import ask, close, is_silent
from tests.servers.test_requests import refuses

LOOPS = 6
VISITORS = 60
pytestmark = pytest.mark.skipif(not hasattr(select, "EPOLLEXCLUSIVE"), reason="only Linux can wake one of several")


def loops(start: Starter, share: str) -> Running:
    """Start a server and wait until all its loops wait for connections."""
    server = start("process-loops", "--workers", str(LOOPS), "--share", share)
    server.events.widen()
    server.until(Wakes, LOOPS)
    return server


def visitors(server: Running, count: int = VISITORS) -> list[socket.socket]:
    """Connect clients one after the other, each while all loops are idle."""
    clients = []
    workers = server.workers()
    for _ in range(count):
        eventually(lambda: {worker.status() for worker in workers} == {psutil.STATUS_SLEEPING}, "all loops are idle")
        clients.append(server.connect())
        ask(clients[-1])
    return clients


def in_vain(server: Running) -> int:
    return sum(record.in_vain for record in server.events.of(Wakes))


def parts(server: Running) -> Counter[int]:
    """Return how many connections each process has accepted."""
    return Counter(record.pid for record in server.events.of(New))


def test_accept_wakes_one_loop_and_spreads_connections(start: Starter) -> None:
    server = loops(start, "accept")
    clients = visitors(server)
    server.until(New, VISITORS)
    assert in_vain(server) < VISITORS / 4
    assert len(parts(server)) == LOOPS
    assert max(parts(server).values()) < VISITORS / 2
    close(clients)


def test_herd_wakes_for_every_connection(start: Starter) -> None:
    """Loops that never get a connection report their wakes too."""
    server = loops(start, "herd")
    clients = visitors(server)
    eventually(lambda: in_vain(server) > 2 * VISITORS, "many more useless wakes than connections")
    idle = {worker.pid for worker in server.workers()} - parts(server).keys()
    assert len(idle) < LOOPS
    eventually(lambda: idle <= {record.pid for record in server.events.of(Wakes) if record.in_vain}, "idle wakes")
    assert in_vain(server) <= VISITORS * (LOOPS - 1) + LOOPS
    close(clients)


def test_reuseport_wakes_only_the_loop_of_the_socket(start: Starter) -> None:
    server = loops(start, "reuseport")
    assert len(server.events.of(Listening)) == 1
    clients = visitors(server)
    server.until(New, VISITORS)
    assert in_vain(server) < VISITORS / 4
    assert len(parts(server)) > LOOPS / 2
    close(clients)


@pytest.mark.parametrize("share", ["accept", "reuseport"])
def test_blocked_loop_delays_new_connections_only_with_reuseport(start: Starter, share: str) -> None:
    server = loops(start, share)
    server.page.arm(BlockSetting("sleep", 60))
    held = server.connect()
    held.sendall(b"hold me")
    blocked = server.until(Block)[0].pid
    server.page.arm(None)
    clients = server.clients(VISITORS)
    for client in clients:
        client.sendall(b"and me?")

    def echoed() -> int:
        return sum(not is_silent(client, 0.001) for client in clients)

    def others_are_done() -> bool:
        return all(is_silent(client) for client in clients if is_silent(client, 0.001))

    if share == "accept":
        eventually(lambda: echoed() == VISITORS, "the other loops accept all")
    else:
        eventually(
            lambda: others_are_done() and len(server.events.of(New)) == 1 + echoed() > VISITORS / 2,
            "the other loops accept theirs, and no more",
        )
        assert echoed() < VISITORS
    assert parts(server)[blocked] == 1
    close([held, *clients])


def test_idle_loops_report_nothing(start: Starter) -> None:
    server = loops(start, "accept")
    close(visitors(server, 1))
    before = server.cpu()
    with server.connect() as quiet:
        assert is_silent(quiet, 0.5)
    assert server.cpu() - before < 0.1
    assert in_vain(server) == 0


def test_no_other_server_can_share_the_port(start: Starter) -> None:
    port = str(loops(start, "reuseport").port)
    for share in ("reuseport", "accept"):
        command = ["-m", "echo_servers", "process-loops", "--share", share, "--port", port]
        refuses(command, f"port {port} is in use.*: end that, or choose another with --port")


def test_reuseport_is_refused_where_sockets_cannot_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SPREADS", False)
    with pytest.raises(BadRequest, match="--share reuseport needs Linux"):
        sharing.reserve(Server(options=Options(port=0, share="reuseport")))


def test_socket_of_an_ended_loop_gets_no_connection(start: Starter) -> None:
    server = loops(start, "reuseport")
    server.workers()[0].kill()
    server.until(Note)
    eventually(lambda: len(server.workers()) == LOOPS - 1, "the worker has ended")
    close(visitors(server, 3 * LOOPS))
