"""The report on a pipe: what it keeps, what it counts, and in which order it writes."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest
from echo_servers.both import BothReport
from echo_servers.piped import BATCH, KEPT, PipedReport
from echo_servers.records import Bye, Echo, Lost, New, Note, Recv, Send, ThreadCount, address_name, count_loss, preview
from echo_servers.report import Report

from tests.servers.harness import Events


@pytest.fixture
def pipe() -> Iterator[tuple[Events, PipedReport]]:
    reader, writer = os.pipe()
    yield Events(reader), PipedReport(writer)
    os.close(reader)
    os.close(writer)


def test_lost_record_adds_its_counts() -> None:
    lost = Lost(0, 0, 0)
    for record in (
        New(0, 0, 0, 1, "a"),
        Recv(0, 0, 0, 1, 10, ""),
        Recv(0, 0, 0, 1, 5, ""),
        Send(0, 0, 0, 1, 7, ""),
        Echo(0, 0, 0, 1, 3, "", 9),
        Bye(0, 0, 0, 1),
        ThreadCount(0, 0, 0, 5),
    ):
        count_loss(lost, record)
    assert lost == Lost(0, 0, 0, events=8, new=1, recv=3, recv_bytes=18, send=2, send_bytes=10, bye=1)


def test_preview_decodes_to_its_bytes() -> None:
    assert preview(bytes(range(256)))[:3].encode("latin-1") == b"\x00\x01\x02"
    assert preview(b"\xff" * 100) == "\xff" * 32


def test_addresses() -> None:
    assert address_name("127.0.0.1", 5) == "127.0.0.1:5"
    assert address_name("::1", 5) == "[::1]:5"
    assert address_name("::ffff:192.0.2.7", 5) == "192.0.2.7:5", "an IPv4 client of a dual-stack server"


def test_records_wait_for_a_flush_up_to_a_batch(pipe: tuple[Events, PipedReport]) -> None:
    events, report = pipe
    events.widen()
    report.buffer()
    conn = report.new("a")
    assert events.records == []
    report.flush()
    assert len(events.records) == 1
    for _ in range(10 * BATCH):
        report.recv(conn, b"x")
        report.send(conn, b"x")
    assert len(events.records) > 19 * BATCH


def test_long_note_and_batch_of_large_records_fit(pipe: tuple[Events, PipedReport]) -> None:
    events, report = pipe
    report.buffer()
    report.note("\0" * 10_000)
    conn = report.new("a")
    for _ in range(BATCH // 2 - 1):
        report.recv(conn, bytes(1000))
        report.send(conn, bytes(1000))
    report.flush()
    assert events.of(Note)[0].text == "\0" * 400
    assert [record.size for record in events.of(Recv)] == [1000] * (BATCH // 2 - 1)


def written(events: Events) -> list[tuple[str, int]]:
    """Return the kind and connection of each record that was written to the pipe."""
    events.drain()
    return [(type(record).__name__, getattr(record, "conn", 0)) for record in events.take()]


def test_message_echoed_at_once_is_one_record(pipe: tuple[Events, PipedReport]) -> None:
    events, report = pipe
    conn = report.new("a")
    report.recv(conn, b"hogehoge\n")
    report.send(conn, b"hogehoge\n")
    new, echo = events.take()
    assert isinstance(echo, Echo)
    recv, send = echo.halves()
    assert new.at <= recv.at <= send.at == echo.at + echo.took
    assert recv.size == send.size == echo.size == 9
    assert recv.head == send.head == "hogehoge\n"


def test_event_between_recv_and_send_makes_two_records(pipe: tuple[Events, PipedReport]) -> None:
    events, report = pipe
    report.buffer()
    one, two = report.new("one"), report.new("two")
    report.flush()
    written(events)
    report.recv(one, b"x")
    report.block(one, "sleep", 1.0)
    assert written(events) == [("Recv", 1), ("Block", 1)], "reported before the block begins"
    report.unblock(one)
    report.send(one, b"x")
    report.flush()
    assert written(events) == [("Unblock", 1), ("Send", 1)]
    report.recv(one, b"x")
    report.waits(one)
    assert written(events) == [("Recv", 1)], "reported before the wait begins"
    report.send(one, b"x")
    report.recv(one, b"x")
    report.flush()
    assert written(events) == [("Send", 1), ("Recv", 1)], "an event loop reports everything before it waits"
    report.recv(two, b"x")
    report.recv(one, b"x")
    report.send(two, b"x")
    report.send(one, b"x")
    report.flush()
    assert written(events) == [("Recv", 2), ("Send", 2), ("Echo", 1)]
    report.recv(one, b"x")
    report.bye(one, "ConnectionResetError")
    report.flush()
    assert written(events) == [("Recv", 1), ("Bye", 1)]


def test_block_in_another_thread_is_reported_at_once(
    pipe: tuple[Events, PipedReport],
) -> None:
    events, report = pipe
    report.buffer()
    one, two = report.new("one"), report.new("two")
    report.recv(one, b"x")
    report.waits(one)
    written(events)
    report.recv(two, b"x")
    for say in (lambda: report.block(one, "sleep", 1.0), lambda: report.unblock(one)):
        thread = threading.Thread(target=say)
        thread.start()
        thread.join()
    assert written(events) == [("Block", 1)], "the end is reported by the loop"
    report.send(two, b"x")
    report.send(one, b"x")
    report.flush()
    assert written(events) == [("Unblock", 1), ("Echo", 2), ("Send", 1)]


def test_kept_records_follow_the_loss_in_order(pipe: tuple[Events, PipedReport]) -> None:
    events, report = pipe
    conn = report.new("first")
    for _ in range(2000):
        report.recv(conn, b"x")
        report.send(conn, b"x")
    for number in range(200):
        report.bye(report.new(f"kept {number}"))
    events.drain()
    conn = report.new("last")
    report.recv(conn, b"y")
    report.send(conn, b"y")
    records = events.records
    at = [record.at for record in records if not isinstance(record, Lost)]
    assert at == sorted(at)
    assert [new.conn for new in events.of(New)] == list(range(1, 203))
    assert events.of(Lost)
    total = events.totals()
    assert (total.new, total.recv, total.send, total.bye) == (202, 2001, 2001, 200)


def test_openings_beyond_the_kept_ones_are_counted(pipe: tuple[Events, PipedReport]) -> None:
    events, report = pipe
    for _ in range(3 * KEPT):
        report.new("a")
    for _ in range(100):
        events.drain()
        report.threads(1)
    total = events.totals()
    assert total.new == 3 * KEPT
    assert len(events.of(ThreadCount)) == 100
    assert KEPT < len(events.of(New)) < 2 * KEPT


def test_reported_messages_are_not_kept(pipe: tuple[Events, PipedReport]) -> None:
    """Otherwise a watched server would need more memory than others: one message for each connection."""
    _, report = pipe
    held = bytearray(b"message")
    for tell in (report.send, lambda conn, _: report.waits(conn)):
        conn = report.new("a")
        message = bytes(held)
        before = sys.getrefcount(message)
        report.recv(conn, message)
        tell(conn, message)
        assert sys.getrefcount(message) == before


def test_both_forwards_every_method() -> None:
    """A method without forwarding would lose records silently."""
    said = {name for name, value in vars(Report).items() if callable(value) and not name.startswith("_")}
    assert said <= set(vars(BothReport))
