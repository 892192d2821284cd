"""The client process with real servers: echoes are correct, and so are their round-trip times."""

import os
import signal
import socket
import time
from collections import Counter
from itertools import pairwise

import pytest
from echo_servers.records import Note
from echo_tui.model.client_notes import ClientNote
from echo_tui.model.observations import ClientEcho, ClientOpening, ClientsLost

from tests.clients.watching import Watched, descriptors, one_connection, server, watched_clients


def _echo_after(seconds: float, connection: socket.socket) -> None:
    time.sleep(seconds)
    while data := connection.recv(65536):
        connection.sendall(data)


def _echoes_of(watched: Watched, client: int) -> list[ClientEcho]:
    return [echo for echo in watched.echoes() if echo.client == client]


@pytest.mark.parametrize("pattern", ["asyncio", "multithread"])
def test_each_client_gets_its_own_echoes_in_order(pattern: str) -> None:
    with server(pattern) as port, watched_clients() as watched:
        watched.open(5, port)
        addresses = [one.address for one in watched.connected()]
        assert len(set(addresses)) == 5
        assert all(address.startswith("127.0.0.1:") for address in addresses)
        everything = bytes(range(256))
        for line in (b"hogehoge\n", everything, b"\0"):
            watched.client_process.send([], line)
        watched.until(lambda: len(watched.echoes()) == 15)
        for client in range(1, 6):
            echoes = _echoes_of(watched, client)
            assert [echo.size for echo in echoes] == [9, 256, 1]
            assert [echo.head for echo in echoes] == ["hogehoge\n", str(everything[:32], "latin-1"), "\0"]
            assert all(echo.intact and echo.rtt > 0 for echo in echoes)
            assert echoes[-1].waiting_since == 0
        assert Counter(one.client for one in watched.sent()) == dict.fromkeys(range(1, 6), 3)


def test_line_for_one_client_reaches_no_other() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(3, port)
        watched.client_process.send([2], b"only you\n")
        watched.until(lambda: bool(watched.echoes()))
        assert [one.client for one in watched.sent()] == [2]


def test_line_sent_before_connecting_goes_out_on_connect() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.client_process.open(range(60), "127.0.0.1", port)
        watched.client_process.send([], b"early\n")
        watched.until(lambda: len(watched.echoes()) == 60)
        assert len({echo.client for echo in watched.echoes()}) == 60


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with server("asyncio", "--host", "::1") as port, watched_clients() as watched:
        watched.open(1, port, "::1")
        assert watched.connected()[0].address.startswith("[::1]:")
        watched.client_process.send([1], b"six\n")
        watched.until(lambda: bool(watched.echoes()))


def test_client_waits_for_its_oldest_unanswered_message() -> None:
    with server("asyncio", "--block", "sleep:0.3") as port, watched_clients() as watched:
        watched.open(1, port)
        for line in (b"one\n", b"two\n"):
            before = len(watched.sent())
            watched.client_process.send([1], line)
            watched.until(lambda before=before: len(watched.sent()) > before)  # type: ignore[misc]
            time.sleep(0.05)
        watched.until(lambda: len(watched.echoes()) == 2)
        first, second = watched.echoes()
        sent = watched.sent()
        assert first.at - first.rtt == sent[0].at
        assert second.at - second.rtt == sent[1].at
        assert first.waiting_since in (sent[1].at, 0)
        assert second.waiting_since == 0


def test_chatter_continues_during_a_block_and_counts_the_whole_wait() -> None:
    with server("asyncio", "--block", "sleep:0.5") as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.chatter([1], 20, 32)
        watched.until(lambda: max(Counter(echo.at for echo in watched.echoes()).values(), default=0) >= 4)
        at, _ = Counter(echo.at for echo in watched.echoes()).most_common(1)[0]
        together = [echo.rtt for echo in watched.echoes() if echo.at == at]
        # The echoes arrived together and had been due exactly an interval apart.
        gaps = {longer - shorter for longer, shorter in pairwise(together)}
        assert gaps == {1_000_000_000 // 20}


def test_chatter_counts_from_its_due_time_when_the_clients_are_late() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.chatter([1], 50, 32)
        watched.until(lambda: len(watched.echoes()) >= 10)
        os.kill(watched.client_process.pid, signal.SIGSTOP)
        stopped = time.monotonic_ns()
        time.sleep(0.6)
        held = time.monotonic_ns() - stopped
        os.kill(watched.client_process.pid, signal.SIGCONT)
        watched.until(lambda: any(echo.rtt > held / 2 for echo in watched.echoes()))
        watched.client_process.chatter([1], 0, 32)
        watched.until(lambda: len(watched.echoes()) == len(watched.sent()))
        dues = [echo.at - echo.rtt for echo in watched.echoes()]
        assert {later - earlier for earlier, later in pairwise(dues)} == {1_000_000_000 // 50}


def test_chatter_stops_on_request() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(20, port)
        watched.client_process.chatter([], 20, 40)
        watched.until(lambda: len({echo.client for echo in watched.echoes()}) == 20)
        assert all(echo.size == 40 and echo.intact for echo in watched.echoes())
        watched.client_process.chatter([], 0, 40)
        watched.client_process.send([1], b"the end\n")
        watched.until(lambda: any(echo.head == "the end\n" for echo in watched.echoes()))
        watched.until(lambda: len(watched.echoes()) == len(watched.sent()))
        before = len(watched.sent())
        watched.during(0.3)
        assert len(watched.sent()) == before


def test_burst_returns_complete_and_numbered() -> None:
    with server("select-loop") as port, watched_clients() as watched:
        watched.open(4, port)
        watched.client_process.burst([], 2000, 64)
        watched.until(lambda: len(watched.echoes()) == 8000)
        assert all(echo.intact and echo.size == 64 for echo in watched.echoes())
        assert len({echo.head for echo in _echoes_of(watched, 3)}) == 2000


def test_messages_sent_in_parts_return_intact() -> None:
    with one_connection(lambda connection: _echo_after(0.3, connection)) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.burst([1], 200, 65536)
        watched.until(lambda: len(watched.echoes()) == 200)
        assert all(echo.intact and echo.size == 65536 for echo in watched.echoes())
        assert len(watched.sent()) == 200
        watched.client_process.close([])
        watched.until(lambda: bool(watched.closed()))


def test_wrong_byte_is_detected() -> None:
    def corrupt(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            connection.sendall(data.replace(b"right", b"wrong"))

    with one_connection(corrupt) as port, watched_clients() as watched:
        watched.open(1, port)
        for number, line in enumerate((b"one\n", b"right\n", b"three\n"), start=1):
            watched.client_process.send([1], line)
            watched.until(lambda number=number: len(watched.echoes()) == number)  # type: ignore[misc]
        assert [echo.intact for echo in watched.echoes()] == [True, False, True]
        assert watched.echoes()[1].head == "wrong\n"
        watched.client_process.close([])
        watched.until(lambda: bool(watched.closed()))


def test_unsolicited_bytes_are_harmless_and_not_intact() -> None:
    def greet(connection: socket.socket) -> None:
        connection.sendall(b"\x1b[2J welcome")
        connection.recv(1)

    with one_connection(greet) as port, watched_clients() as watched:
        watched.open(1, port)
        watched.until(lambda: sum(echo.size for echo in watched.echoes()) == 12)
        assert not any(echo.intact for echo in watched.echoes())
        assert watched.client_process.running
        watched.client_process.close([])
        watched.until(lambda: bool(watched.closed()))


def test_paused_client_gets_its_echo_when_it_reads_again() -> None:
    with server("multithread") as port, watched_clients() as watched:
        watched.open(2, port)
        watched.client_process.pause_reading([1], True)
        watched.client_process.send([], b"hello\n")
        watched.until(lambda: len(watched.sent()) == 2 and bool(_echoes_of(watched, 2)))
        watched.during(0.2)
        assert not _echoes_of(watched, 1)
        watched.client_process.pause_reading([1], False)
        watched.until(lambda: bool(_echoes_of(watched, 1)))


def test_message_beyond_the_limit_is_dropped_with_a_note() -> None:
    with server("single-thread") as port, watched_clients() as watched:
        watched.open(2, port)

        def refused_at_last() -> bool:
            watched.client_process.send([2], b"x" * 65536)
            return any(isinstance(one, Note) for one in watched.seen)

        watched.until(refused_at_last)
        note = next(one for one in watched.seen if isinstance(one, Note))
        assert (note.code, note.text) == (ClientNote.MESSAGE_DROPPED, "2")
        watched.client_process.send([1], b"still here\n")
        watched.until(lambda: bool(_echoes_of(watched, 1)))


@pytest.mark.slow
def test_thousand_clients() -> None:
    with descriptors(2000), server("asyncio") as port:
        with descriptors(64):
            client_process = watched_clients()
            watched = client_process.__enter__()
        try:
            watched.open(1000, port)
            watched.client_process.send([], b"we are many\n")
            watched.until(lambda: len(watched.echoes()) == 1000)
            watched.client_process.chatter([], 1, 32)
            watched.until(lambda: len({echo.client for echo in watched.echoes()[1000:]}) == 1000)
            assert all(echo.intact for echo in watched.echoes())
            watched.client_process.close([])
            watched.until(lambda: len(watched.closed()) == 1000)
            assert {one.how for one in watched.closed()} == {"closed"}
        finally:
            client_process.__exit__(None, None, None)


def test_client_stays_opening_while_the_accept_queue_is_full() -> None:
    with server("single-thread") as port, watched_clients() as watched:
        watched.client_process.open(range(160), "127.0.0.1", port)
        watched.until(lambda: sum(isinstance(one, ClientOpening) for one in watched.seen) == 160)
        watched.during(0.3)
        assert 1 < len(watched.connected()) < 160
        assert not watched.closed()


def test_clients_continue_without_a_reader_and_count_lost_records() -> None:
    count = 30_000
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(1, port)
        watched.client_process.burst([1], count, 64)
        watched.client_process.send([1], b"last\n")
        _wait_until_idle(watched.client_process.pid)
        assert len(watched.seen) < 10
        watched.until(lambda: not _read_some(watched))
        watched.client_process.send([1], b"after\n")
        watched.until(lambda: bool(watched.echoes()) and watched.echoes()[-1].head == "after\n")
        lost = [one for one in watched.seen if isinstance(one, ClientsLost)]
        assert sum(one.records for one in lost) > 0
        assert len(watched.sent()) + len(watched.echoes()) + sum(one.records for one in lost) == 2 * (count + 2)
        assert all(echo.intact for echo in watched.echoes())


def _read_some(watched: Watched) -> bool:
    before = len(watched.seen)
    watched.read(0.3)
    return len(watched.seen) > before


def _wait_until_idle(pid: int) -> None:
    """Wait until a busy process uses no more CPU time."""
    import psutil

    process = psutil.Process(pid)
    before = -1.0
    while (now := sum(process.cpu_times()[:2])) - before > 0.02:
        before = now
        time.sleep(0.5)
