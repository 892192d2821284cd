"""Cells against what raw sockets feel of the same pattern and the same block, measured by the test itself."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from app.matrix.cell import Cell, Felt
from app.matrix.expected import expected
from app.matrix.measure import Terms, measure
from servers.block import KINDS, BlockSetting
from servers.catalog import find
from servers.records import New
from tests.crossed import crossed
from tests.matrix.crowd import feel
from tests.servers.harness import SERVING, Starter, eventually

TERMS = Terms(seconds=0.6)
REDUCED = ("single-thread", "multithread", "process-pool", "asyncio", "eventlet")
"""A pattern of each sort: the full matrix takes minutes."""
SHARING = ("process-thread-pool", "process-loops")
TRIES = 4
SEVERITY = ("stopped", "slowed", "untouched", "not served")


def worst(felt: list[str]) -> str:
    return min(felt, key=SEVERITY.index)


def felt_by_raw_sockets(start: Starter, pattern: str, kind: str) -> tuple[str, bool, bool]:
    """What those felt who suffered most, whether one that came meanwhile was served, and whether that is as expected.

    The last is for patterns whose processes serve several clients each: the kernel gives them to whom it likes.
    """
    workers = ("--workers", str(TERMS.clients + 2)) if find(pattern).workers else ()
    server = start(pattern, *workers)

    def arm_for(port: int) -> float:
        server.page.arm(BlockSetting(kind, TERMS.seconds), only=port)
        return TERMS.seconds

    felt = feel((server.host, server.port), arm_for)
    served_by = {int(record.peer.rpartition(":")[2]): record.pid for record in server.events.of(New)}
    same = [served_by.get(port) == served_by[felt.blocker] for port in felt.ports]
    should = [expected(find(pattern), kind, one).value for one in same]
    start.stop_all()
    as_expected = worst(felt.others) == worst(should[:-1]) and felt.newcomer == (should[-1] != "stopped")
    return worst(felt.others), felt.newcomer, as_expected


@pytest.mark.parametrize(
    ("pattern", "kind"),
    crossed(
        SERVING,
        KINDS,
        lambda pattern, kind: pattern in REDUCED and (pattern == "multithread" or kind in ("sleep", "c-gil")),
    ),
)
async def test_a_cell_agrees_with_raw_sockets(start: Starter, pattern: str, kind: str) -> None:
    for attempt in range(TRIES):
        cell = (await measure(find(pattern), kind, TERMS)).cell
        assert not cell.why_not
        assert cell.lasted >= TERMS.seconds
        assert len(cell.others) == len(cell.expected) == TERMS.clients
        assert cell.newcomer
        ours = worst([other.felt.value for other in cell.others]), cell.newcomer.in_time
        *theirs, as_expected = felt_by_raw_sockets(start, pattern, kind)
        slow_or_not = {ours[0], theirs[0]} <= {"slowed", "untouched"}
        if not slow_or_not or (ours == tuple(theirs) and not cell.surprise) or attempt == TRIES - 1:
            break  # what is slow for a moment on a busy machine is not slow again
    assert as_expected if pattern in SHARING else ours == tuple(theirs)
    assert not cell.surprise, cell
    if ours[0] == "stopped":
        assert cell.blame
        assert cell.blame.victims >= TERMS.clients


async def test_where_processes_are_shared_some_share_it_and_one_does_not() -> None:
    cell = (await measure(find("process-loops"), "sleep", TERMS)).cell
    assert sorted(other.same_process for other in cell.others) == [False, True, True]
    assert cell.words.endswith(", 2 of 3")
    assert not cell.surprise, cell


async def test_who_shares_no_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.matrix.measure.shares_processes", lambda pattern: True)
    monkeypatch.setattr("app.matrix.measure.PROCESSES", TERMS.clients + 4)
    monkeypatch.setattr("app.matrix.measure.MOST", TERMS.clients + 2)
    cell = (await measure(find("process-pool"), "sleep", TERMS)).cell  # each process serves one
    assert cell.alone
    assert cell.words == "untouched, nobody shares its process"


async def test_a_cell_leads_to_its_stall() -> None:
    measured = await measure(find("asyncio"), "sleep", TERMS)
    blame = measured.cell.blame
    assert blame
    assert (blame.cause, blame.injected) == ("parked", True)
    assert blame.where.startswith("block.py:")
    assert measured.moment
    still, _ = measured.moment
    assert any(stall.number == blame.number for stall in still.stalls.all)
    assert measured.cell.lasted == pytest.approx(blame.length / 1000, rel=0.3)


async def test_what_serves_nobody_is_not_measured() -> None:
    cell = (await measure(find("nonblocking"), "sleep", TERMS)).cell
    assert cell == Cell("nonblocking", "sleep", "it serves nobody")
    assert cell.felt is None


async def test_a_server_that_dies_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.observers.child.command", lambda pattern, options: [sys.executable, "-c", "1/0"])
    cell = (await measure(find("asyncio"), "sleep", TERMS)).cell
    assert "listen" in cell.why_not
    assert cell.others == ()


async def test_a_server_that_does_not_block_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.matrix.measure.PATIENCE", 1.0)
    monkeypatch.setattr("app.observers.child.Child.arm", lambda self, setting, only=0: None)
    cell = (await measure(find("multithread"), "sleep", TERMS)).cell
    assert cell.why_not == "the block did not begin"


def test_ctrl_c_prints_what_there_is_and_leaves_nothing_behind() -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    command = [sys.executable, "-m", "app.cli", "matrix", "--patterns", "nonblocking,asyncio", "--csv"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs the tests may ignore it
    ) as process:
        family = psutil.Process(process.pid)
        eventually(lambda: len(family.children(recursive=True)) >= 2, "a server and its clients")
        time.sleep(0.2)
        children = family.children(recursive=True)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "nonblocking,sleep,it serves nobody" in out
    assert "Traceback" not in err
    eventually(lambda: not any(child.is_running() for child in children), "nobody is left")
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def test_felt_has_a_severity_for_each() -> None:
    assert {felt.value for felt in Felt} == set(SEVERITY)
