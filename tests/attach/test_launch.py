"""A user's program, started by `watch -- PROGRAM` or `launch -- PROGRAM` and ended with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.attach.watching import Peer
from tests.e2e.terminal import Terminal, command
from tests.ports import free_port, is_free

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")

LIMIT = 30.0
APP = str(Path(__file__).with_name("app.py"))


def until_free(port: int) -> None:
    end = time.monotonic() + LIMIT
    while not is_free(port):
        assert time.monotonic() < end, "the port is still in use"
        time.sleep(0.02)


def until_taken(port: int) -> None:
    end = time.monotonic() + LIMIT
    while is_free(port):
        assert time.monotonic() < end, "the program does not listen"
        time.sleep(0.02)


def watching(port: int, *options: str) -> "subprocess.Popen[str]":
    line = [command(), "watch", *options, "--", sys.executable, APP, str(port), "sleep"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_program_is_watched_and_ended_with_the_run() -> None:
    port = free_port()
    with watching(port, "--json", "--for", "4s", "--stall-after", "200") as watch:
        until_taken(port)
        first, other = Peer(port), Peer(port)
        first.talk()
        other.talk()
        time.sleep(0.5)
        first.say(b"go\n")
        time.sleep(0.1)
        other.say(b"hello\n")
        other.hear()
        out, _ = watch.communicate(timeout=60)
        lines = [json.loads(line) for line in out.splitlines()]
        stalls = [line for line in lines if line["type"] == "stall"]
        assert stalls[-1]["culprit"]["function"] == "wait_for_export"
        assert (watch.returncode, lines[-1]["exit_code"]) == (3, 3)
    until_free(port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_program_ends_when_its_watcher_is_killed(number: signal.Signals) -> None:
    port = free_port()
    with watching(port) as watch:
        until_taken(port)
        (program,) = psutil.Process(watch.pid).children()
        os.kill(watch.pid, number)
        watch.communicate(timeout=60)
        until_free(port)
        end = time.monotonic() + LIMIT
        while psutil.pid_exists(program.pid) and program.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_output_of_a_program_that_ends_early_is_shown() -> None:
    line = [command(), "watch", "--", sys.executable, "-c", "print('no such table'); raise SystemExit(9)"]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 5
    assert "no such table" in ended.stderr
    assert "has ended with code 9 before it listened" in ended.stderr


def test_missing_program_is_reported() -> None:
    ended = subprocess.run([command(), "watch", "--", "no-such-program"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == "echo-tui: 'no-such-program' is no program that can be started\n"


@pytest.mark.parametrize("name", ["watch", "launch"])
def test_usage_is_shown_without_a_program(name: str) -> None:
    ended = subprocess.run([command(), name], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "-- PROGRAM ARGUMENT ..." in ended.stderr


def test_program_ends_with_its_dashboard() -> None:
    port = free_port()
    line = [command(), "launch", "--", sys.executable, APP, str(port), "sleep"]
    with Terminal(line, width=100, height=30) as terminal:
        terminal.shows("1 worker")
        terminal.shows(f":{port}")
        terminal.press("q")
        terminal.until(terminal.ended, "its end")
        assert terminal.code == 0
    until_free(port)
