"""The counters without a server: what a report counts, and what the reader of its pipe and its memory makes of it."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from echo_servers import counters as layout
from echo_servers.counters import FIRST_GRANT, SLOTS
from echo_servers.piped import PipedReport
from echo_servers.records import Echo, New, Recv, Send
from echo_servers.report import ReportedConnection
from echo_tui.model.observations import Counts, Observation
from echo_tui.observers import counters
from echo_tui.observers.counters import RATE, CounterFile
from echo_tui.observers.pipe import LinePipe, decode, make_pipe
from echo_tui.session.session import Session


class Pair:
    """A report and its reader in one process, with a simulated clock."""

    def __init__(self) -> None:
        self.now = 0.0
        read_end, self.write_end = make_pipe()
        self.pipe = LinePipe(read_end)
        self.counters = CounterFile(lambda: self.now)
        self.report = PipedReport(self.write_end, layout.CounterRegion(self.counters.fd))

    def read(self) -> list[Observation]:
        found: list[Observation] = []
        while lines := self.pipe.read():
            found += self.counters.complete(decode(lines))
        return found + self.counters.read()

    def close(self) -> None:
        os.close(self.write_end)
        self.pipe.close()
        self.counters.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


def drained(pair: Pair) -> list[Observation]:
    """Read all of a pipe that was full: what did not fit is written with the next record."""
    found: list[Observation] = []
    for _ in range(20):
        found += pair.read()
        pair.report.note("more")
    return found + pair.read()


def rows(found: list[Observation]) -> dict[int, tuple[int, int]]:
    """Return how many echoes and bytes were counted for each connection."""
    counted: dict[int, tuple[int, int]] = {}
    for one in found:
        for conn, echoes, size, _ in one.rows if isinstance(one, Counts) else ():
            before = counted.get(conn, (0, 0))
            counted[conn] = before[0] + echoes, before[1] + size
    return counted


def speak(pair: Pair, conn: ReportedConnection, times: int, data: bytes = b"abc") -> None:
    for _ in range(times):
        pair.report.recv(conn, data)
        pair.report.send(conn, data)


def test_granted_echoes_are_listed_and_the_rest_counted(pair: Pair) -> None:
    conn = pair.report.new("127.0.0.1:1")
    speak(pair, conn, FIRST_GRANT + 7)
    found = pair.read()
    assert sum(isinstance(o, Echo) for o in found) == FIRST_GRANT
    assert rows(found) == {1: (7, 21)}
    assert pair.read() == []


def test_grants_grow_with_time_up_to_a_limit(pair: Pair) -> None:
    conn = pair.report.new("127.0.0.1:1")
    speak(pair, conn, FIRST_GRANT)
    pair.read()
    for seconds, granted in ((0.1, RATE // 10), (100.0, FIRST_GRANT)):
        pair.now += seconds
        pair.read()
        speak(pair, conn, 2 * FIRST_GRANT)
        found = pair.read()
        assert sum(isinstance(o, Echo) for o in found) == granted
        assert rows(found) == {1: (2 * FIRST_GRANT - granted, 3 * (2 * FIRST_GRANT - granted))}


class ReadBetween:
    """The words of a slot, read by the watcher after each store."""

    def __init__(self, words: memoryview, read: Callable[[], None]) -> None:
        self._words, self._read = words, read

    def __setitem__(self, index: int, value: int) -> None:
        self._words[index] = value
        self._read()


def test_reading_between_two_stores_counts_each_echo_once(pair: Pair) -> None:
    conn = pair.report.new("127.0.0.1:1")
    speak(pair, conn, FIRST_GRANT - 2)
    found = pair.read()
    words = conn.words
    assert words
    conn.words = ReadBetween(words, lambda: found.extend(pair.read()))  # type: ignore[assignment]
    speak(pair, conn, 2)
    assert rows(found) == {}, "they have records"
    speak(pair, conn, 4)
    found += pair.read()
    assert sum(isinstance(o, Echo) for o in found) == FIRST_GRANT
    assert rows(found) == {1: (4, 12)}


def test_counted_echo_has_a_time_after_the_reading_before_it(pair: Pair) -> None:
    """Only one in `TIMED` sets the time; the reader knows that the others came since its last reading."""
    conn = pair.report.new("127.0.0.1:1")
    speak(pair, conn, FIRST_GRANT)
    pair.read()
    for _ in range(3 * layout.TIMED):
        before = time.monotonic_ns()
        pair.read()
        speak(pair, conn, 1)
        (counts,) = pair.read()
        assert isinstance(counts, Counts)
        ((_, echoes, _, at),) = counts.rows
        assert echoes == 1
        assert before <= at <= time.monotonic_ns()


def test_first_counted_echo_of_a_connection_sets_its_time(pair: Pair) -> None:
    speak(pair, pair.report.new("127.0.0.1:1"), FIRST_GRANT)
    pair.read()
    conn = pair.report.new("127.0.0.1:2")
    opened = time.monotonic_ns()
    speak(pair, conn, layout.TIMED - 1)
    times = {number: at for o in pair.read() if isinstance(o, Counts) for number, _, _, at in o.rows}
    assert opened <= times[2] <= time.monotonic_ns()


def test_reused_slot_counts_from_zero(pair: Pair) -> None:
    speak(pair, pair.report.new("127.0.0.1:1"), FIRST_GRANT)
    for number in range(2, 6):
        conn = pair.report.new(f"127.0.0.1:{number}")
        speak(pair, conn, number)
        if number % 2:
            pair.report.bye(conn)
            assert rows(pair.read()) == {number - 1: (number - 1, 3 * (number - 1)), number: (number, 3 * number)}


def test_block_is_listed_whatever_was_granted(pair: Pair) -> None:
    conn = pair.report.new("127.0.0.1:1")
    speak(pair, conn, FIRST_GRANT + 1)
    pair.report.recv(conn, b"abc")
    pair.report.block(conn, "sleep", 1.0)
    pair.report.unblock(conn)
    pair.report.send(conn, b"abc")
    kinds = [type(o).__name__ for o in pair.read()]
    assert kinds[-5:] == ["Recv", "Block", "Unblock", "Send", "Counts"]


def test_connections_without_a_slot_are_listed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SLOTS", 1)
    first, second = pair.report.new("127.0.0.1:1"), pair.report.new("127.0.0.1:2")
    speak(pair, first, FIRST_GRANT + 1)
    speak(pair, second, 5)
    found = pair.read()
    assert rows(found) == {1: (1, 3)}
    assert sum(isinstance(o, Echo) and o.conn == 2 for o in found) == 5


def test_counts_wait_for_the_record_of_their_connection(pair: Pair) -> None:
    pair.report.buffer()
    conn = pair.report.new("127.0.0.1:1")
    pair.report.flush()
    found = decode(pair.pipe.read())
    speak(pair, conn, FIRST_GRANT + 3)
    pair.report.flush()
    assert rows(pair.counters.read()) == {}, "the connection is not known yet"
    pair.counters.complete(found)
    assert rows(pair.read()) == {1: (3, 9)}


def test_echoes_without_written_records_are_counted_at_the_end(pair: Pair) -> None:
    pair.report.buffer()
    conn = pair.report.new("127.0.0.1:1")
    pair.report.flush()
    speak(pair, conn, 5)
    found = pair.read()
    assert not rows(found)
    assert rows(pair.counters.read_last(os.getpid())) == {1: (5, 15)}


def test_quiet_process_is_granted_before_a_saturated_one(pair: Pair) -> None:
    other = PipedReport(pair.write_end, layout.CounterRegion(pair.counters.fd))
    other._pid += 1
    pair.counters.read()
    pair.counters._regions[1]._header[layout.PID] = other._pid
    saturated, quiet = pair.report.new("127.0.0.1:1"), other.new("127.0.0.1:2")
    for _ in range(FIRST_GRANT // 10 + 10):
        pair.now += 0.05
        speak(pair, saturated, 2 * FIRST_GRANT)
        for _ in range(10):
            other.recv(quiet, b"abc")
            other.send(quiet, b"abc")
        found = pair.read()
        assert sum(isinstance(o, Echo) and o.pid == other._pid for o in found) == 10


def test_slots_are_free_again_once_a_full_pipe_is_read(pair: Pair) -> None:
    conns = [pair.report.new(f"127.0.0.1:{number}") for number in range(10_000)]
    for conn in conns:
        pair.report.bye(conn)
    drained(pair)
    pair.report.bye(pair.report.new("127.0.0.1:1"))
    pair.read()
    assert not any(conn.slot for conn in conns)
    assert not pair.counters._regions[0]._deferred


def test_connection_whose_new_was_lost_is_counted(pair: Pair) -> None:
    conns = [pair.report.new(f"127.0.0.1:{number}") for number in range(16_000)]
    found = drained(pair)
    assert sum(isinstance(o, New) for o in found) < len(conns), "some are lost"
    speak(pair, conns[-1], 2 * FIRST_GRANT)
    pair.report.bye(conns[-1])
    session = Session()
    session.apply_all(drained(pair))
    assert session.totals.send == 2 * FIRST_GRANT


def test_message_that_waits_for_room_is_reported_while_echoes_are_only_counted(pair: Pair) -> None:
    pair.report.buffer()
    first, second = pair.report.new("127.0.0.1:1"), pair.report.new("127.0.0.1:2")
    speak(pair, first, FIRST_GRANT + 1)
    pair.report.recv(second, b"held back")
    pair.report.recv(first, b"abc")
    pair.report.send(first, b"abc")
    pair.report.recv(second, b"held back too")
    pair.report.flush()
    read = [o.size for o in pair.read() if isinstance(o, Recv)]
    assert read == [len(b"held back"), len(b"held back too")]


@pytest.mark.parametrize("echoes", [1, FIRST_GRANT + 1], ids=["listed", "counted"])
def test_loop_reports_a_message_without_its_echo_before_it_waits(pair: Pair, echoes: int) -> None:
    pair.report.buffer()
    first, second = pair.report.new("127.0.0.1:1"), pair.report.new("127.0.0.1:2")
    speak(pair, first, echoes)
    pair.report.flush()
    pair.read()
    pair.report.recv(second, b"held back")
    if echoes > FIRST_GRANT:
        speak(pair, first, 1)
    pair.report.flush()
    assert [o.size for o in pair.read() if isinstance(o, Recv)] == [len(b"held back")]


def test_tasks_that_read_in_turns_before_they_send_are_only_counted(pair: Pair) -> None:
    """A task of Trio yields after it has sent, so others read before its echo is reported."""
    pair.report.buffer()
    conns = [pair.report.new(f"127.0.0.1:{number}") for number in range(3)]
    speak(pair, conns[0], FIRST_GRANT + 1)
    for _ in range(100):
        for conn in conns:
            pair.report.recv(conn, b"abc")
        for conn in conns:
            pair.report.send(conn, b"abc")
    pair.report.flush()
    found = pair.read()
    assert not [o for o in found if isinstance(o, Recv | Send)]
    assert sum(count for count, _ in rows(found).values()) == 301
    pair.report.bye(conns[0])
    assert not pair.report._unanswered


def test_final_sums_take_back_what_a_torn_reading_has_told() -> None:
    known = counters.Known()
    assert known.new_counts(1, 101, 505, 0) == (1, 101, 505, 0)
    assert known.new_counts(1, 100, 500, 0) is None
    assert known.new_counts(1, 100, 500, 9, final=True) == (1, -1, -5, 9)


def test_processes_beyond_the_regions_list_everything() -> None:
    made = CounterFile()
    try:
        regions = [layout.CounterRegion(made.fd) for _ in range(layout.REGIONS + 1)]
        assert all(region.memory for region in regions[:-1])
        assert not regions[-1].memory
        made.read()
    finally:
        made.close()


def test_ten_thousand_idle_connections_cost_little(pair: Pair) -> None:
    """Reading compares memory and unpacks only what has changed."""
    conns = [pair.report.new(f"127.0.0.1:{number}") for number in range(min(10_000, SLOTS))]
    pair.read()
    speak(pair, conns[5000], FIRST_GRANT + 1)
    changed: list[float] = []
    idle: list[float] = []
    for costs in (changed, idle):
        for _ in range(5):
            if costs is changed:
                for conn in conns:
                    speak(pair, conn, 1)
            begin = time.process_time()
            pair.read()
            costs.append(time.process_time() - begin)
    assert min(idle) < min(changed) / 4
