"""A reader of stdout that is slow, stops or closes the pipe: the run continues, and omitted lines are counted."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from echo_servers.records import Echo, Listening, Lost, New, Recv, Send, WorkerStarted
from echo_tui.model.observations import (
    ENCODER,
    ClientEcho,
    ClientsLost,
    Counts,
    Observation,
    Output,
    ServerStarted,
    SocketSample,
)
from echo_tui.run.dropped import Dropped
from echo_tui.run.outlet import GRACE, PIECE, Outlet
from echo_tui.session.session import Session
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.terminal import command
from tests.recording.made import few

LIMIT = 30.0
PAUSE = 3.0
"""Seconds without a read."""


def test_lines_are_written_in_order() -> None:
    written: list[str] = []
    outlet = Outlet(written.append)
    for number in range(1000):
        outlet.put(f"{number}\n")
    outlet.finish()
    assert written == [f"{number}\n" for number in range(1000)]
    assert not outlet.full


def test_outlet_is_full_without_a_reader_and_does_not_block() -> None:
    read = threading.Event()

    def write(text: str) -> None:
        read.wait(LIMIT)

    outlet = Outlet(write, limit=1000)
    for _ in range(30):
        outlet.put("x" * 100)
    assert outlet.full
    read.set()
    outlet.finish()
    assert not outlet.full


def test_ended_run_waits_for_a_slow_reader_but_not_for_a_stuck_one() -> None:
    written: list[str] = []

    def write(text: str) -> None:
        time.sleep(GRACE / 4)
        written.append(text)

    slow = Outlet(write)
    for number in range(8):
        slow.put(str(number))
    slow.finish(lambda: False)
    assert len(written) == 8, "all of it, in twice the grace"
    written.clear()
    long = Outlet(write)
    long.put("x" * 8 * PIECE)
    long.finish(lambda: False)
    assert len("".join(written)) == 8 * PIECE, "one long text too"
    read = threading.Event()

    def never(text: str) -> None:
        read.wait(LIMIT)

    stuck = Outlet(never)
    stuck.put("x")
    begin = time.monotonic()
    stuck.finish(lambda: False)
    read.set()
    assert GRACE <= time.monotonic() - begin < LIMIT


def test_write_error_is_raised_in_the_run() -> None:
    def fail(text: str) -> None:
        raise BrokenPipeError

    outlet = Outlet(fail)
    outlet.put("x")
    with pytest.raises(BrokenPipeError):
        outlet.finish()
    with pytest.raises(BrokenPipeError):
        outlet.put("x")


events = st.sampled_from(
    [
        New(2, 1, 1, 1, "127.0.0.1:6001"),
        Recv(3, 1, 1, 1, 5, ""),
        Send(4, 1, 1, 1, 7, ""),
        Echo(5, 1, 1, 1, 3, "", 1),
        Counts(6, 1, [(1, 5, 50, 4), (2, 1, 9, 5)]),
        ClientEcho(6, 1, 5, "", 10, 0),
        SocketSample(7, 0, 128, 0, [], []),
        Listening(8, 1, 1, "127.0.0.1", 1, 128),
    ]
)


@given(st.lists(events), st.integers(0, 5))
def test_totals_stay_exact(found: list[Observation], every: int) -> None:
    begin: list[Observation] = [
        ServerStarted(1, "asyncio", 1, "127.0.0.1", 5000),
        Listening(1, 1, 1, "127.0.0.1", 1, 1),
    ]
    dropped, thinned = Dropped(), [*begin]
    for number, one in enumerate(found):
        thinned += dropped.thin([one]) if every and number % every else [*dropped.losses(9), one]
    thinned += dropped.losses(9)
    whole, less = Session(), Session()
    whole.apply_all([*begin, *found])
    less.apply_all(thinned)
    for name in ("new", "recv", "recv_bytes", "send", "send_bytes"):
        assert getattr(less.totals, name) == getattr(whole.totals, name), name
    lost = sum(one.events for one in thinned if isinstance(one, Lost))
    lost += sum(one.records for one in thinned if isinstance(one, ClientsLost))
    samples = sum(isinstance(one, SocketSample) for one in found) - sum(isinstance(o, SocketSample) for o in thinned)
    several = {Echo: 1, Counts: 11}  # an Echo counts as two events, and these Counts as twelve
    more = sum(several.get(type(one), 0) for one in found) - sum(several.get(type(one), 0) for one in thinned)
    assert dropped.total == lost + samples - more


def test_observations_that_a_session_needs_are_never_omitted() -> None:
    rare = [one for one in few() if not isinstance(one, New | Recv | Send)][:-1]
    assert Dropped().thin(rare) == rare
    assert ENCODER.encode_lines(rare)


@contextlib.contextmanager
def watching(*options: str) -> Iterator["subprocess.Popen[str]"]:
    line = [command(), "watch", "asyncio", "--port", "0", "--json", *options]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is sampled")
def test_stuck_reader_does_not_stop_the_run() -> None:
    with watching("--clients", "20", "--load", "200") as process:
        assert process.stdout
        lines: list[dict[str, Any]] = []
        while not lines or lines[-1]["type"] != "echo":
            lines.append(json.loads(process.stdout.readline()))
        time.sleep(PAUSE)  # writes much more than a pipe holds
        with ThreadPoolExecutor(1) as reader:  # that reads before the end is requested
            rest = reader.submit(process.stdout.readlines)
            process.terminate()
            lines += map(json.loads, rest.result())
    assert lines[-1]["type"] == "summary"
    samples = [line["at"] for line in lines if line["type"] == "sockets"]
    assert samples[-1] - samples[0] > PAUSE / 2 * 1e9
    assert max(later - earlier for earlier, later in pairwise(samples)) < PAUSE / 2 * 1e9, "sampling went on"
    assert lines[-1]["lost"] == lines[-1]["dropped"] == 0, "this much is kept until it is read"


def test_closed_pipe_ends_the_run() -> None:
    with watching() as process:
        assert process.stdout
        assert "header" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(LIMIT) == 1
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_signal_ends_a_run_with_a_stuck_reader() -> None:
    with watching("--clients", "20", "--load", "200") as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(PAUSE)
        process.terminate()
        assert process.wait(LIMIT) == 128 + signal.SIGTERM


def test_non_blocking_pipe_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    line = [command(), "watch", "asyncio", "--port", "0", "--json", "--clients", "9", "--load", "200", "--for", "2s"]
    with subprocess.Popen(line, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        time.sleep(PAUSE / 3)  # writes more than a pipe holds
        with os.fdopen(reading, "rb") as stream:
            lines = stream.read().splitlines()
        assert process.wait(LIMIT) == 0
    assert json.loads(lines[-1])["type"] == "summary"


def test_rare_observations_are_limited_too() -> None:
    found: list[Observation] = [
        ServerStarted(1, "asyncio", 1, "127.0.0.1", 5000),
        Listening(1, 1, 1, "127.0.0.1", 5000, 128),
        WorkerStarted(1, 1, 1, "loop"),
        Output(1, "stderr", "text"),
    ]
    dropped = Dropped()
    assert dropped.thin(found) == found[:3], "a program may print endlessly"
    assert dropped.thin(found, hard=True) == found[:2]
    assert dropped.total == 3
