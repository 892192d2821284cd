"""The report on a pipe by itself: what it keeps, what it counts, and in which order it tells."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest
from echo_servers.both import Both
from echo_servers.piped import BATCH, KEPT, Piped
from echo_servers.records import Bye, Echo, Lost, New, Note, Recv, Send, Threads, address_name, count_loss, preview
from echo_servers.report import Report

from tests.servers.harness import Events


@pytest.fixture
def pipe() -> Iterator[tuple[Events, Piped]]:
    reader, writer = os.pipe()
    yield Events(reader), Piped(writer)
    os.close(reader)
    os.close(writer)


def test_count_loss_adds_what_a_record_would_have_said() -> None:
    lost = Lost(0, 0, 0)
    for record in (
        New(0, 0, 0, 1, "a"),
        Recv(0, 0, 0, 1, 10, ""),
        Recv(0, 0, 0, 1, 5, ""),
        Send(0, 0, 0, 1, 7, ""),
        Echo(0, 0, 0, 1, 3, "", 9),
        Bye(0, 0, 0, 1),
        Threads(0, 0, 0, 5),
    ):
        count_loss(lost, record)
    assert lost == Lost(0, 0, 0, events=8, new=1, recv=3, recv_bytes=18, send=2, send_bytes=10, bye=1)


def test_a_preview_gives_its_bytes_back() -> None:
    assert preview(bytes(range(256)))[:3].encode("latin-1") == b"\x00\x01\x02"
    assert preview(b"\xff" * 100) == "\xff" * 32


def test_addresses() -> None:
    assert address_name("127.0.0.1", 5) == "127.0.0.1:5"
    assert address_name("::1", 5) == "[::1]:5"
    assert address_name("::ffff:192.0.2.7", 5) == "192.0.2.7:5", "a client of IPv4 at a server of both"


def test_a_held_report_waits_for_a_flush_but_holds_little(pipe: tuple[Events, Piped]) -> None:
    events, report = pipe
    events.widen()
    report.hold()
    conn = report.new("a")
    assert events.records == []
    report.flush()
    assert len(events.records) == 1
    for _ in range(10 * BATCH):
        report.recv(conn, b"x")
        report.send(conn, b"x")
    assert len(events.records) > 19 * BATCH


def test_a_long_note_and_a_batch_of_large_records_fit(pipe: tuple[Events, Piped]) -> None:
    events, report = pipe
    report.hold()
    report.note("\0" * 10_000)
    conn = report.new("a")
    for _ in range(BATCH // 2 - 1):
        report.recv(conn, bytes(1000))
        report.send(conn, bytes(1000))
    report.flush()
    assert events.of(Note)[0].text == "\0" * 400
    assert [record.size for record in events.of(Recv)] == [1000] * (BATCH // 2 - 1)


def told(events: Events) -> list[tuple[str, int]]:
    """What has come over the pipe: the kinds of records as they were written, and of which connection."""
    events.drain()
    return [(type(record).__name__, getattr(record, "conn", 0)) for record in events.take()]


def test_a_message_that_comes_back_at_once_is_one_record(pipe: tuple[Events, Piped]) -> None:
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


def test_whatever_happens_between_a_recv_and_its_send_makes_them_two(pipe: tuple[Events, Piped]) -> None:
    events, report = pipe
    report.hold()
    one, two = report.new("one"), report.new("two")
    report.flush()
    told(events)
    report.recv(one, b"x")
    report.block(one, "sleep", 1.0)
    assert told(events) == [("Recv", 1), ("Block", 1)], "told before the block begins"
    report.unblock(one)
    report.send(one, b"x")
    report.flush()
    assert told(events) == [("Unblock", 1), ("Send", 1)]
    report.recv(one, b"x")
    report.waits(one)
    assert told(events) == [("Recv", 1)], "told before the wait begins"
    report.send(one, b"x")
    report.recv(one, b"x")
    report.flush()
    assert told(events) == [("Send", 1), ("Recv", 1)], "an event loop that waits has told everything"
    report.recv(two, b"x")
    report.recv(one, b"x")
    report.send(two, b"x")
    report.send(one, b"x")
    report.flush()
    assert told(events) == [("Recv", 2), ("Send", 2), ("Echo", 1)]
    report.recv(one, b"x")
    report.bye(one, "ConnectionResetError")
    report.flush()
    assert told(events) == [("Recv", 1), ("Bye", 1)]


def test_a_thread_that_blocks_in_place_of_another_tells_that_at_once_and_nothing_else(
    pipe: tuple[Events, Piped],
) -> None:
    events, report = pipe
    report.hold()
    one, two = report.new("one"), report.new("two")
    report.recv(one, b"x")
    report.waits(one)
    told(events)
    report.recv(two, b"x")
    for say in (lambda: report.block(one, "sleep", 1.0), lambda: report.unblock(one)):
        thread = threading.Thread(target=say)
        thread.start()
        thread.join()
    assert told(events) == [("Block", 1)], "its end waits for the loop, which it wakes"
    report.send(two, b"x")
    report.send(one, b"x")
    report.flush()
    assert told(events) == [("Unblock", 1), ("Echo", 2), ("Send", 1)]


def test_what_was_kept_is_told_in_order_after_the_loss_and_before_anything_new(pipe: tuple[Events, Piped]) -> None:
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


def test_beyond_what_it_keeps_openings_too_are_counted(pipe: tuple[Events, Piped]) -> None:
    events, report = pipe
    for _ in range(3 * KEPT):
        report.new("a")
    for _ in range(100):
        events.drain()
        report.threads(1)
    total = events.totals()
    assert total.new == 3 * KEPT
    assert len(events.of(Threads)) == 100
    assert KEPT < len(events.of(New)) < 2 * KEPT


def test_no_message_is_kept_once_it_is_told(pipe: tuple[Events, Piped]) -> None:
    """A server that is watched would need more memory than one that is not, by a message for each connection."""
    _, report = pipe
    held = bytearray(b"message")
    for tell in (report.send, lambda conn, _: report.waits(conn)):
        conn = report.new("a")
        message = bytes(held)
        before = sys.getrefcount(message)
        report.recv(conn, message)
        tell(conn, message)
        assert sys.getrefcount(message) == before


def test_both_reports_pass_everything_on() -> None:
    """What it did not would be lost without a word."""
    said = {name for name, value in vars(Report).items() if callable(value) and not name.startswith("_")}
    assert said <= set(vars(Both))
