"""Clients that misbehave: they do not read, they half-close, or they connect in a flood."""

import select
import socket
import time

from echo_servers.records import Note
from echo_tui.clients.commands import FLOOD_LIMIT
from echo_tui.model.observations import ClientManners, Flooding

from tests.clients.watching import LIMIT, Watched, one_connection, server, watched_clients
from tests.ports import free_port


def _manners(watched: Watched, client: int) -> list[tuple[bool, bool]]:
    said = [one for one in watched.seen if isinstance(one, ClientManners) and one.client == client]
    return [(one.reading, one.sending) for one in said]


def _floods(watched: Watched) -> list[Flooding]:
    return [one for one in watched.seen if isinstance(one, Flooding)]


def _came(watched: Watched) -> list[str]:
    return [address for flood in _floods(watched) for address in flood.connected]


def test_client_that_does_not_read_is_reported_again_after_reconnecting() -> None:
    with watched_clients() as watched:
        with server("multithread") as port:
            watched.open(2, port)
            watched.client_process.pause_reading([2], True)
            watched.until(lambda: _manners(watched, 2) == [(False, True)])
        watched.client_process.pause_reading([2], True)
        with server("asyncio") as port:
            watched.client_process.reopen("127.0.0.1", port)
            watched.until(lambda: len(watched.connected()) == 4)
            watched.until(lambda: _manners(watched, 2) == [(False, True)] * 3)
            places = [watched.seen.index(one) for one in watched.connected() if one.client == 2]
            assert isinstance(watched.seen[places[-1] + 1], ClientManners), "reported together with the connection"
            watched.client_process.send([], b"hello\n")
            watched.until(lambda: len(watched.echoes()) == 1)
            watched.client_process.pause_reading([], False)
            watched.until(lambda: len(watched.echoes()) == 2)
            assert (_manners(watched, 1), _manners(watched, 2)[-1]) == ([(True, True)], (True, True))


def test_half_closed_client_gets_its_echoes_and_sends_nothing() -> None:
    def late(connection: socket.socket) -> None:
        data = connection.recv(1024)
        while part := connection.recv(1024):
            data += part
        taken.append(data)
        connection.sendall(data)
        time.sleep(0.1)

    taken: list[bytes] = []
    with one_connection(late) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.chatter([1], 100, 20)
        watched.until(lambda: bool(watched.sent()))
        watched.client_process.half_close([1])
        watched.until(lambda: _manners(watched, 1) == [(True, False)])
        watched.client_process.send([1], b"too late\n")
        watched.client_process.half_close([1])
        watched.until(lambda: bool(watched.closed()))
        assert watched.closed()[0].how == "server-closed"
        assert [echo.intact for echo in watched.echoes()] == [True] * len(watched.sent())
        assert sum(one.size for one in watched.sent()) == len(taken[0])
        assert b"too late" not in taken[0]
        assert _manners(watched, 1) == [(True, False)]


def test_begun_message_is_finished_before_the_half_close() -> None:
    def slow(connection: socket.socket) -> None:
        time.sleep(0.2)
        while part := connection.recv(2**16):
            taken.append(len(part))

    taken: list[int] = []
    with one_connection(slow) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.burst([1], 2000, 65536)
        watched.until(lambda: len(watched.sent()) > 10)
        watched.client_process.half_close([1])
        watched.until(lambda: bool(watched.closed()))
        assert sum(taken) == sum(one.size for one in watched.sent())


def test_half_closed_client_reconnects_normally() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.half_close([1])
        watched.until(lambda: bool(watched.closed()))
        watched.client_process.reopen("127.0.0.1", port)
        watched.until(lambda: len(watched.connected()) == 2)
        watched.client_process.send([1], b"here again\n")
        watched.until(lambda: len(watched.echoes()) == 1)


def test_flood_fills_the_accept_queue_until_it_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listener, watched_clients() as watched:
        watched.client_process.flood("127.0.0.1", listener.getsockname()[1], 60, 60)
        watched.until(lambda: len(_came(watched)) == 21)
        watched.during(0.2)
        assert len(set(_came(watched))) == 21, "the accept queue is full"
        assert {flood.count for flood in _floods(watched)} == {60}
        first, address = listener.accept()
        with first:
            assert "{}:{}".format(*address) in _came(watched)
            watched.client_process.flood("127.0.0.1", 1, 0, 1)
            watched.until(lambda: _floods(watched)[-1].count == 0)
            assert select.select([first], [], [], LIMIT)[0]
            assert first.recv(1) == b""


def test_flood_ends_after_its_duration_or_with_its_server() -> None:
    with watched_clients() as watched:
        with server("asyncio") as port:
            watched.client_process.flood("127.0.0.1", port, 10, 0.3)
            watched.until(lambda: len(_came(watched)) == 10)
            watched.until(lambda: _floods(watched)[-1].count == 0)
            watched.seen.clear()
            watched.client_process.flood("127.0.0.1", port, 10, 60)
            watched.until(lambda: len(_came(watched)) == 10)
        watched.until(lambda: _floods(watched)[-1].count == 0)


def test_flood_is_ended_by_the_next_one_and_by_reopen() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.client_process.flood("127.0.0.1", port, FLOOD_LIMIT, 60)
        watched.until(lambda: len(_came(watched)) == FLOOD_LIMIT)
        watched.client_process.flood("127.0.0.1", port, 5, 60)
        watched.until(lambda: len(_came(watched)) == FLOOD_LIMIT + 5)
        assert [flood.count for flood in _floods(watched) if not flood.connected] == [FLOOD_LIMIT, 0, 5]
        watched.client_process.reopen("127.0.0.1", port)
        watched.until(lambda: _floods(watched)[-1].count == 0)


def test_impossible_flood_is_reported_or_ends_at_once() -> None:
    with watched_clients() as watched:
        watched.client_process.flood("127.0.0.1", free_port(), 10, 60)
        watched.until(lambda: bool(_floods(watched)) and not _floods(watched)[-1].count)
        assert not _came(watched)
        watched.client_process.flood("a..b", 80, 10, 60)
        watched.client_process.flood("127.0.0.1", 80, FLOOD_LIMIT + 1, 60)
        watched.until(lambda: any(isinstance(one, Note) for one in watched.seen))
        watched.until(lambda: any(flood.why for flood in _floods(watched)))
