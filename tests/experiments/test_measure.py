"""Measured cells compared with a measurement of the same pattern and block with raw sockets."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

import psutil
import pytest
from echo_servers.block import KINDS, BlockSetting
from echo_servers.catalog import find
from echo_servers.records import New
from echo_tui.diagnosis.stall import Cause
from echo_tui.experiments.cell import Cell, Effect
from echo_tui.experiments.measure import measure
from echo_tui.experiments.parameters import CellParameters

from tests.crossed import crossed
from tests.experiments.raw_clients import choose, connect, feel
from tests.servers.harness import SERVING, Starter, eventually

QUICK = CellParameters(seconds=0.6)
REDUCED = ("single-thread", "multithread", "process-pool", "asyncio", "eventlet")
"""One pattern of each sort, because the full matrix takes minutes."""
SHARING = ("process-thread-pool", "process-loops")
TRIES = 5
PAUSE = 2.0
"""Seconds between two tries: other work on the machine may have ended by then."""
SEVERITY = ("stopped", "slowed", "untouched", "not served")


Suffering = dict[bool, str]
"""How the most affected client was affected, in the blocked process (True) and in other processes (False)."""


def worst(felt: Iterable[tuple[bool, str]]) -> Suffering:
    found: Suffering = {}
    for same, one in felt:
        found[same] = min(found.get(same, one), one, key=SEVERITY.index)
    return found


def felt_by_raw_sockets(start: Starter, pattern: str, kind: str, workers: int | None) -> tuple[Suffering, bool, bool]:
    """Return how the others were affected, whether a new client was served in time, and whether by that process."""
    server = start(pattern, *(("--workers", str(workers)) if workers else ()))
    address = server.host, server.port

    def homes() -> dict[int, int]:
        return {int(record.peer.rpartition(":")[2]): record.pid for record in server.events.of(New)}

    def arm_for(port: int) -> float:
        server.page.arm(BlockSetting(kind, QUICK.seconds), only=port)
        return QUICK.seconds

    shared = pattern in SHARING
    connected = choose(address, homes, QUICK.clients) if shared else connect(address, QUICK.clients)
    felt = feel(address, arm_for, connected)
    served_by = homes()
    home = served_by[felt.blocker]
    same = [not shared or served_by[port] == home for port in felt.ports]
    newcomers = served_by.get(felt.newcomers_port) == home
    start.stop_all()
    return worst(zip(same, felt.others, strict=True)), felt.newcomer, newcomers


def as_told(cell: Cell) -> Suffering:
    shared = cell.pattern in SHARING
    return worst((not shared or other.same_process, other.effect.value) for other in cell.others)


def slow_or_not(suffering: Suffering) -> Suffering:
    """Return the same with "slowed" as "untouched", because a busy machine may be slow for a short time."""
    return {same: "untouched" if felt == "slowed" else felt for same, felt in suffering.items()}


@pytest.mark.parametrize(
    ("pattern", "kind"),
    crossed(
        SERVING,
        KINDS,
        lambda pattern, kind: (
            pattern in REDUCED
            and (pattern == "multithread") == (kind == "c-gil")
            and kind in ("sleep", "c-gil")
            and pattern in ("multithread", "asyncio", "process-pool")
        ),
    ),
)
async def test_cell_agrees_with_raw_sockets(start: Starter, pattern: str, kind: str) -> None:
    for _ in range(TRIES):
        cell = (await measure(find(pattern), kind, QUICK)).cell
        assert not cell.why_not
        assert cell.lasted >= QUICK.seconds
        assert len(cell.others) == len(cell.expected) == QUICK.clients
        ours = as_told(cell)
        theirs, served, in_that_process = felt_by_raw_sockets(start, pattern, kind, cell.workers)
        assert slow_or_not(ours) == slow_or_not(theirs)
        slow = Effect.SLOWED in cell.expected or "slowed" in {*ours.values(), *theirs.values()}
        if not slow or (ours == theirs and not cell.surprise):
            break
        await asyncio.sleep(PAUSE)  # a slowdown caused by a busy machine is tried again
    newcomer = cell.newcomer
    assert newcomer
    assert ours == theirs
    assert not cell.surprise, cell
    if pattern in SHARING:  # the kernel chooses the newcomer's process
        assert ours.keys() == {True, False}
        assert ours[False] == "untouched"
        assert newcomer.in_time == (ours[True] != "stopped" or not newcomer.same_process)
        assert served == (theirs[True] != "stopped" or not in_that_process)
    else:
        assert newcomer.in_time == served
    if stopped := sum(other.effect is Effect.STOPPED for other in cell.others):
        assert cell.blame
        assert cell.blame.victims >= stopped


async def test_only_other_client_is_in_another_process() -> None:
    for _ in range(TRIES):
        cell = (await measure(find("process-loops"), "sleep", QUICK)).cell
        assert sorted(other.same_process for other in cell.others) == [False, True, True]
        assert cell.words.endswith(", 2 of 3")
        if not cell.surprise:
            break
        await asyncio.sleep(PAUSE)  # a slowdown caused by a busy machine is tried again
    assert not cell.surprise, cell


async def test_cell_says_that_no_client_shares_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_tui.experiments.measure.shares_processes", lambda pattern: True)
    monkeypatch.setattr("echo_tui.experiments.measure.PROCESSES", QUICK.clients + 4)
    monkeypatch.setattr("echo_tui.experiments.measure.MOST", QUICK.clients + 2)
    cell = (await measure(find("process-pool"), "sleep", QUICK)).cell  # each process serves one
    assert cell.alone
    assert cell.words.endswith(", nobody shares its process")


async def test_cell_has_the_snapshot_of_its_stall() -> None:
    measured = await measure(find("asyncio"), "sleep", QUICK)
    blame = measured.cell.blame
    assert blame
    assert (blame.cause, blame.injected) == (Cause.BLOCKED, True)
    assert blame.where.startswith("block.py:")
    assert measured.snapshot
    still, _ = measured.snapshot
    assert any(stall.number == blame.number for stall in still.stalls.all)
    assert measured.cell.lasted == pytest.approx(blame.length / 1000, rel=0.3)


async def test_pattern_that_serves_nobody_is_not_measured() -> None:
    cell = (await measure(find("nonblocking"), "sleep", QUICK)).cell
    assert cell == Cell("nonblocking", "sleep", "it serves nobody")
    assert cell.effect is None


async def test_server_that_dies_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_tui.observers.child.command", lambda pattern, options: [sys.executable, "-c", "1/0"])
    cell = (await measure(find("asyncio"), "sleep", QUICK)).cell
    assert cell.why_not == "the server ended: ZeroDivisionError: division by zero"
    assert cell.others == ()


async def test_server_that_does_not_block_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_tui.experiments.measure.PATIENCE", 1.0)
    monkeypatch.setattr("echo_tui.observers.child.Child.arm", lambda self, setting, only=0: None)
    cell = (await measure(find("multithread"), "sleep", QUICK)).cell
    assert cell.why_not == "the block did not begin"


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize(
    ("number", "times"), crossed(SIGNALS, (1, 2), lambda number, times: number is SIGNALS[times - 1])
)
def test_interrupted_matrix_prints_its_cells_and_leaves_nothing(number: signal.Signals, times: int) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    command = [sys.executable, "-m", "echo_tui", "matrix", "--patterns", "nonblocking,asyncio", "--csv"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # the shell that runs the tests may ignore it
    ) as process:
        family = psutil.Process(process.pid)
        eventually(lambda: len(family.children(recursive=True)) >= 2, "a server and its clients")
        time.sleep(0.2)
        children = family.children(recursive=True)
        for _ in range(times):
            process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "nonblocking,sleep,it serves nobody" in out
    assert "Traceback" not in err
    found = re.search(r"echo-tui: interrupted: (\d+) of 8 cells are there\n", err)
    assert found, err
    assert int(found[1]) == len(out.splitlines()) - 1, "one line for each measured cell"
    eventually(lambda: not any(child.is_running() for child in children), "no process is left")
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def test_each_effect_has_a_severity() -> None:
    assert {effect.value for effect in Effect} == set(SEVERITY)
