"""Recordings that several test modules use."""

from pathlib import Path

import pytest
from echo_servers.records import New, Recv
from echo_tui.model.evidence import Frame, Socket, Stack, Thread
from echo_tui.model.observations import Observation, SocketSample, StackSample, ThreadSample

from tests.recording.made import SECOND, Run, few, write

MS = SECOND // 1000
HOSTILE = "</pre></details><script>alert(1)</script>\x1b[31m`| <img src=x onerror=alert(2)>[@click=bell]x[/] [b"
"""Text that would act as HTML, Markdown, a terminal escape or screen markup if it were not escaped."""


@pytest.fixture(scope="module")
def stalled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of a run with one stall."""
    run = Run("asyncio")
    try:
        run.stall()
    finally:
        run.live.close()
    return write(tmp_path_factory.mktemp("recording") / "stall.jsonl", run.heard, run.heard[0].at)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of a stall in which all untrusted text is hostile."""
    pid, peer = 10, f"127.0.0.1:6001{HOSTILE}"
    found: list[Observation] = few(0)[:-1]
    begin = 2 * SECOND
    found += [New(begin, pid, pid, 1, peer), Recv(begin + 1, pid, pid, 1, 5, HOSTILE)]
    for number in range(1, 20):
        at = begin + number * 50 * MS
        thread = Thread(pid, pid, HOSTILE, "clock_nanosleep", "", False, 10, 10, 1, 1)
        found.append(ThreadSample(at, [thread], [], 1, 50 * MS))
        frames = [Frame(f"/x/{HOSTILE}.py", 3, HOSTILE)]
        found.append(StackSample(at, pid, [Stack(pid, frames)]))
        found.append(SocketSample(at + MS, 0, 128, 0, [], [Socket(peer, 7, 0, True, 50)], 50 * MS))
    return write(tmp_path_factory.mktemp("hostile") / "run.jsonl", found)
