"""Servers that print to a stdout that is not read: print is blocking I/O too."""

from pathlib import Path

import pytest
from echo_servers import printed
from echo_servers.catalog import PATTERNS
from echo_servers.records import Recv, Send
from echo_tui.diagnosis.stall import Cause
from echo_tui.model.observations import Output

from tests.crossed import seldom
from tests.truth.test_stalls import LOOPS
from tests.truth.watch import Caller, Watch, watching

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")

SERVING = [pattern.name for pattern in PATTERNS if pattern.serves]
LINE = b"hogehoge\n"


def talk_until_all_wait(watch: Watch, callers: list[Caller]) -> None:
    """Let each client send a line in every turn until all of them are victims."""

    def stuck() -> bool:
        for caller in callers:
            caller.listen()
            caller.send(LINE)
        stalls = watch.session.stalls.going.values()
        return {v.peer for stall in stalls for v in stall.victims.values()} == {caller.name for caller in callers}

    watch.until(stuck, "all wait")


@pytest.mark.parametrize("pattern", seldom(LOOPS, "asyncio", "eventlet"))
def test_loop_blocks_in_print_while_stdout_is_unread(pattern: str) -> None:
    with watching(pattern, printing=True) as watch:
        callers = [watch.connect() for _ in range(3)]
        for caller in callers:
            caller.talk(LINE)
        watch.live.hold_output(True)
        talk_until_all_wait(watch, callers)
        (stall,) = watch.session.stalls.going.values()
        watch.until(lambda: stall.cause is Cause.BLOCKED and stall.culprit and stall.culprit.where, "why, and the line")
        assert not stall.injected
        assert stall.culprit
        assert stall.culprit.call == "write"
        assert stall.culprit.where
        assert (stall.culprit.where.file, stall.culprit.where.function) == (printed.__file__, "_print")
        watch.live.hold_output(False)
        watch.until(lambda: all(caller.listen() for caller in callers), "every echo")
        watch.until(lambda: not watch.session.stalls.going, "the end of the stall")
        totals = watch.session.totals
        lines = [line.text for line in watch.session.printed.lines if line.stream == "stdout"]
        assert sum(line.startswith("Recv: ") for line in lines) == totals.recv, "no line is lost"
        assert totals.recv_bytes == totals.send_bytes


def test_threads_block_in_print_while_stdout_is_unread() -> None:
    """One thread is in write; the others wait for the lock."""
    with watching("multithread", printing=True) as watch:
        callers = [watch.connect() for _ in range(3)]
        for caller in callers:
            caller.talk(LINE)
        watch.live.hold_output(True)
        talk_until_all_wait(watch, callers)
        assert len(watch.session.stalls.going) == 3, "a stall for each thread"
        stalls = watch.session.stalls.going.values()
        watch.until(lambda: all(s.cause is Cause.BLOCKED and s.culprit and s.culprit.where for s in stalls), "why")
        watch.until(lambda: {s.culprit.call for s in stalls if s.culprit} == {"write"}, "write, the cause of all")
        assert len({stall.culprit.where for stall in stalls if stall.culprit}) == 1
        assert {stall.culprit.where.file for stall in stalls} == {printed.__file__}  # type: ignore[union-attr]


@pytest.mark.parametrize("pattern", seldom(SERVING, "process-pool", "asyncio", "asyncio-processes"))
def test_printed_lines_match_the_reports(pattern: str) -> None:
    with watching(pattern, printing=True, threshold=1_000_000_000) as watch:
        caller = watch.connect()
        for _ in range(20):
            caller.talk(LINE)
        log = watch.session.log
        watch.until(
            lambda: sum(o.text.startswith("Send: ") for o in watch.session.printed.lines) == 20, "the last line"
        )
        entries = [record for record, _ in log.slice(0, log.total)]
        assert sum(isinstance(record, Recv) for record in entries) == 20
        assert sum(isinstance(record, Send) for record in entries) == 20
        printed_lines = [record.text for record in entries if isinstance(record, Output) and record.stream == "stdout"]
        assert printed_lines[0] == f"New client: {caller.name}"
        assert printed_lines[1:3] == [
            f"Recv: {LINE!r} from {caller.name}",
            f"Send: {LINE!r} to {caller.name}",
        ]
        assert watch.blamed == []
