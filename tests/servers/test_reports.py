"""Records on the pipe: complete lines, ordered by connection, exact totals despite losses, and no delay."""

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable

import pytest
from echo_servers.records import PREVIEW, Bye, Listening, Lost, New, Recv, Reported, Send, WorkerStarted
from echo_servers.server import BACKLOG, RECV_BYTES

from tests.crossed import seldom
from tests.servers.harness import DIFFERENT, ONE_AT_A_TIME, QUICK, SERVING, Running, Starter, eventually
from tests.servers.talk import ask, converse, together

CLIENTS = 6
MESSAGES = 150


def test_each_record_appears_without_another_event(server: Running) -> None:
    """Each record of a step is read while the server waits for the next step."""
    before = {kind: len(server.events.of(kind)) for kind in (New, Recv, Send, Bye)}
    message = bytes(range(200, 256))
    with server.connect() as client:
        new = server.until(New, before[New] + 1)[-1]
        ask(client, message)
        recv = server.until(Recv, before[Recv] + 1)[-1]
        send = server.until(Send, before[Send] + 1)[-1]
        host, port = client.getsockname()
        assert new.peer == f"{host}:{port}"
    bye = server.until(Bye, before[Bye] + 1)[-1]
    assert (recv.size, recv.head) == (send.size, send.head) == (56, message[:PREVIEW].decode("latin-1"))
    assert (new.pid, new.conn) == (recv.pid, recv.conn) == (send.pid, send.conn) == (bye.pid, bye.conn)
    assert new.at < recv.at < send.at < bye.at


def test_start_is_reported(server: Running) -> None:
    listening = server.until(Listening)[0]
    assert (listening.host, listening.port, listening.backlog) == ("127.0.0.1", server.port, BACKLOG)
    pids = {worker.pid for worker in server.until(WorkerStarted)}
    assert pids <= {process.pid for process in server.group()}


def sizes(seed: int) -> list[int]:
    return random.Random(seed).choices([1, 7, 64, RECV_BYTES, 3000], k=MESSAGES)


def chatter(server: Running, seed: int) -> Callable[[], None]:
    """Return a client whose messages are NUL bytes, which need the most room in a record: six characters each."""

    def run() -> None:
        with server.connect() as client:
            for size in sizes(seed):
                assert converse(client, bytes(size)) == bytes(size)

    return run


@pytest.mark.parametrize("pattern", seldom(SERVING, *DIFFERENT))
def test_records_under_load_are_complete_and_in_order(start: Starter, pattern: str) -> None:
    server = start(pattern, "--workers", "2" if pattern == "process-thread-pool" else str(CLIENTS))
    server.events.widen()
    with together(*(chatter(server, seed) for seed in range(CLIENTS))):
        eventually(lambda: server.events.totals().bye == CLIENTS, "all clients have been served")
    stories: dict[tuple[int, int], list[Reported]] = defaultdict(list)
    for record in server.events.records:
        if isinstance(record, New | Recv | Send | Bye):
            stories[record.pid, record.conn].append(record)
    assert len(stories) == CLIENTS
    assert not server.events.of(Lost)
    for story in stories.values():
        assert [record.at for record in story] == sorted(record.at for record in story)
        assert [type(record) for record in story] == [New, *[Recv, Send] * (len(story) // 2 - 1), Bye]
        both = [record.size for record in story if isinstance(record, Recv | Send)]
        assert both[::2] == both[1::2]
    total = server.events.totals()
    assert total.recv_bytes == total.send_bytes == sum(sum(sizes(seed)) for seed in range(CLIENTS))


@pytest.mark.parametrize("pattern", seldom(SERVING, *QUICK))
def test_unread_pipe_loses_only_details(start: Starter, pattern: str) -> None:
    """Echoes continue; losses are counted; with the next record that fits, the totals are exact again."""
    server = start(pattern, "--workers", "1")
    messages, size, visitors = 1500, 50, 100
    with server.connect() as client:
        for _ in range(messages):
            ask(client, b"\0" * size)
    for _ in range(visitors):
        with server.connect() as client:
            ask(client, b"v" * size)
    with server.connect() as client:
        ask(client)  # one more client, so that the last visitor's connection has certainly ended
    server.events.drain()
    with server.connect() as client:
        ask(client)
    served = messages + visitors + 2
    eventually(lambda: server.events.totals().bye == visitors + 3, "every Bye")
    total = server.events.totals()
    assert total.events > 1000
    assert (total.new, total.recv, total.send, total.bye) == (visitors + 3, served, served, visitors + 3)
    assert total.recv_bytes == total.send_bytes == (messages + visitors) * size + 2 * len(b"hogehoge\n")
    # Openings and closings were kept for later; each Bye follows its New.
    numbers = list(range(1, visitors + 4))
    opened = [record.conn for record in server.events.of(New)]
    assert opened == numbers
    assert sorted(record.conn for record in server.events.of(Bye)) == numbers
    there: set[int] = set()
    for record in server.events.records:
        if isinstance(record, New | Bye):
            assert (record.conn in there) == isinstance(record, Bye)
            there.add(record.conn)


@pytest.mark.parametrize("pattern", seldom([pattern for pattern in SERVING if pattern not in ONE_AT_A_TIME], *QUICK))
def test_stuck_client_delays_no_record_of_another(start: Starter, pattern: str) -> None:
    server = start(pattern, "--workers", "2")
    server.events.widen()
    with server.connect(receive_buffer=4096) as stuck, server.connect() as other:
        stuck.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            while True:
                stuck.sendall(b"x" * 2**16)
                server.events.drain()
        sizes_seen: list[int] = []
        for size in (1, 2, 3):
            ask(other, b"o" * size)
            sizes_seen.append(size)
            eventually(lambda: [s.size for s in server.events.of(Send) if s.head[0] == "o"] == sizes_seen, "its Send")
