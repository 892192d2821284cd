"""How connections fail and end, and how clients reconnect."""

import errno
import resource
import select
import socket
import struct
import time

import pytest
from echo_tui.clients.client import connected_to_itself
from echo_tui.clients.failures import Destination, broken, failed
from echo_tui.model.endings import Ending
from echo_tui.model.observations import ClientClosed, ClientEcho

from tests.clients.watching import one_connection, server, watched_clients
from tests.ports import free_port

RESET = struct.pack("ii", 1, 0)


def _one_echo_late(connection: socket.socket) -> None:
    data = connection.recv(1024)
    time.sleep(0.3)
    connection.sendall(data)
    assert connection.recv(1024) == b""


def test_close_waits_for_the_last_echo() -> None:
    with one_connection(_one_echo_late) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.send([1], b"last words\n")
        watched.until(lambda: bool(watched.sent()))
        watched.client_process.close([1])
        watched.until(lambda: bool(watched.closed()))
        echo, closed = watched.seen[-2:]
        assert isinstance(echo, ClientEcho)
        assert echo.intact
        assert closed == ClientClosed(closed.at, 1, "closed")


def test_close_waits_only_so_long_for_a_silent_server() -> None:
    def keep(connection: socket.socket) -> None:
        ended.append(connection.recv(1024))
        select.select([], [], [], 1.5)

    ended: list[bytes] = []
    with one_connection(keep) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.close([1])
        watched.until(lambda: bool(watched.closed()))
        assert watched.closed()[0].how == "closed"
    assert ended == [b""]


def test_reset_reaches_the_server() -> None:
    def wait(connection: socket.socket) -> None:
        try:
            ended.append(connection.recv(1024))
        except OSError as error:
            ended.append(error)

    ended: list[bytes | OSError] = []
    with one_connection(wait) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.close([1], reset=True)
        watched.until(lambda: bool(watched.closed()))
        assert watched.closed()[0].how == "reset"
    assert isinstance(ended[0], ConnectionResetError)


def test_server_closes() -> None:
    with one_connection(lambda connection: None) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.until(lambda: bool(watched.closed()))
        assert watched.closed()[0].how == "server-closed"


def test_server_resets() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with one_connection(reset) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.send([1], b"x")
        watched.until(lambda: bool(watched.closed()))
        assert watched.closed()[0].how == "server-reset"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_refused_connection(host: str) -> None:
    port = free_port()
    with watched_clients() as watched:
        watched.client_process.open([1, 2], host, port)
        watched.until(lambda: len(watched.closed()) == 2)
        assert {(one.how, one.about) for one in watched.closed()} == {(Ending.REFUSED, f"127.0.0.1:{port}")}


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [("a..b", 80, "host 'a..b' does not resolve"), ("127.0.0.1", 70000, "port 70000 is out of range")],
)
def test_invalid_address(host: str, port: int, sentence: str) -> None:
    with watched_clients() as watched:
        watched.client_process.open([1], host, port)
        watched.until(lambda: bool(watched.closed()))
        assert watched.closed()[0].how.startswith(sentence)


def test_self_connection_is_detected() -> None:
    with socket.socket() as alone:
        alone.bind(("127.0.0.1", 0))
        alone.connect(alone.getsockname())
        assert connected_to_itself(alone)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        assert not connected_to_itself(client)


def test_every_failure_has_a_code() -> None:
    target = Destination("127.0.0.1:9", ("127.0.0.1", 9))
    for code in (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ECONNRESET, errno.EIO):
        assert failed(OSError(code, ""), target).how in {*Ending}
    assert broken(OSError(errno.ECONNRESET, "")) == (Ending.SERVER_RESET, "")
    assert broken(OSError(errno.EPIPE, "")) == (Ending.SERVER_CLOSED, "")
    assert broken(OSError(errno.EIO, "")) == ("Input/output error", "")


def test_clients_reconnect_with_their_numbers_and_load() -> None:
    with watched_clients() as watched:
        with server("asyncio") as port:
            watched.open(20, port)
            watched.client_process.chatter([], 5, 32)
            watched.client_process.close([7])
            watched.until(lambda: len(watched.closed()) == 1)
        watched.until(lambda: len(watched.closed()) == 20)
        others = {one.how for one in watched.closed() if one.client != 7}
        assert others <= {"server-closed", "server-reset"}
        with server("multithread") as port:
            watched.seen.clear()
            watched.client_process.reopen("127.0.0.1", port)
            everybody = {*range(1, 21)} - {7}
            watched.until(lambda: {one.client for one in watched.connected()} == everybody)
            watched.until(lambda: {one.client for one in watched.echoes()} == everybody)
            assert not watched.closed()


def test_reopen_includes_refused_and_connected_clients() -> None:
    with server("asyncio") as old, server("asyncio") as new, watched_clients() as watched:
        watched.client_process.open([1], "127.0.0.1", free_port())
        watched.client_process.open([2], "127.0.0.1", old)
        watched.until(lambda: bool(watched.connected()) and bool(watched.closed()))
        watched.client_process.reopen("127.0.0.1", new)
        watched.until(lambda: len(watched.connected()) == 3)
        assert [one.how for one in watched.closed() if one.client == 2] == ["closed"]
        watched.client_process.send([], b"here\n")
        watched.until(lambda: {echo.client for echo in watched.echoes()} == {1, 2})


def test_closed_client_sends_nothing_and_can_be_reopened() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.close([1])
        watched.until(lambda: bool(watched.closed()))
        watched.client_process.send([1], b"nobody there\n")
        watched.client_process.burst([1, 99], 10, 10)
        watched.client_process.open([1], "127.0.0.1", port)
        watched.until(lambda: len(watched.connected()) == 2)
        watched.client_process.send([1], b"again\n")
        watched.until(lambda: bool(watched.echoes()))
        assert [one.head for one in watched.sent()] == ["again\n"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the limit of another process can't be set here")
def test_running_out_of_descriptors_is_reported_and_survived() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(2, port)
        resource.prlimit(watched.client_process.pid, resource.RLIMIT_NOFILE, (16, 16))
        watched.client_process.open(range(3, 43), "127.0.0.1", port)
        watched.until(lambda: len(watched.closed()) + len(watched.connected()) == 42)
        assert {(one.how, one.about) for one in watched.closed()} == {(Ending.NO_DESCRIPTORS, "16")}
        watched.client_process.send([1, 2], b"still here\n")
        watched.until(lambda: len(watched.echoes()) == 2)
