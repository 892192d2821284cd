"""`echo-tui watch PATTERN` as run by a user: what it prints, and how it ends."""

import functools
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

COMMAND = (sys.executable, "-m", "echo_tui", "watch")
LIMIT = 60


def watch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False)


def as_json(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    done = watch(*arguments, "--json", "--port", "0")
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_run_without_a_stall_has_exit_code_0_and_counts() -> None:
    code, stream = as_json(
        "multithread", "--clients", "2", "--load", "20x100", "--for", "1500ms", "--stall-after", "5000"
    )
    first, last = stream[0], stream[-1]
    assert (first["type"], first["schema"], first["target"]) == ("header", 1, "multithread")
    assert first["parameters"]["clients"] == 2
    echoes = [each for each in stream if each["type"] == "echo" or each["type"] == "send"]
    assert last["type"] == "summary"
    assert (code, last["exit_code"], last["stalls"]) == (0, 0, {})
    assert (last["connections"], last["open"]) == (2, 2)
    assert last["bytes_sent"] == sum(each["size"] for each in echoes)
    assert last["latency"]["count"] == sum(each["type"] == "client-echo" for each in stream)
    assert last["echoes_per_second"] >= last["latency"]["count"] / last["seconds"] - 0.1
    assert 0 < last["latency"]["percentiles"]["p50"] <= last["latency"]["percentiles"]["p99"] <= last["latency"]["max"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")
def test_stall_is_streamed_and_gives_exit_code_3() -> None:
    code, stream = as_json("asyncio", "--clients", "3", "--load", "10", "--block", "sleep:0.6", "--for", "4s")
    stalls = [each for each in stream if each["type"] == "stall"]
    first = [each for each in stalls if each["id"] == stalls[0]["id"]]
    assert first[0]["event"] == "opened"
    assert first[-1]["event"] == "closed"
    assert first[0]["end"] is None
    closed = first[-1]
    assert (closed["cause"], closed["attribution"], closed["injected"]) == ("blocked", "thread", True)
    assert closed["end"] - closed["begin"] >= 100_000_000
    assert {victim["kind"] for victim in closed["victims"]} <= {"unread", "no-reply"}
    assert closed["victims"]
    assert closed["culprit"]["function"] == "sleep"
    assert Path(closed["culprit"]["file"]).name == "block.py"
    assert stream[-1]["stalls"]["blocked"] == sum(each["event"] == "closed" for each in stalls)
    assert code == stream[-1]["exit_code"] == 3


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")
def test_text_output_has_a_line_for_begin_and_end_of_a_stall() -> None:
    done = watch("single-thread", "--clients", "2", "--port", "0", "--for", "1500ms")
    opened, closed, totals, stalls = done.stdout.splitlines()
    assert "stall 1 opened" in opened
    assert "so far" in opened
    assert "one-client (architecture)" in opened
    assert "1 waited: 127.0.0.1:" in opened
    assert "stall 1 closed" in closed
    assert "1 connection accepted (1 open, 1 queued at the end)" in totals
    assert stalls == "1 stall: 1 one-client"
    assert done.returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_run_with_a_summary(number: signal.Signals) -> None:
    line = [*COMMAND, "asyncio", "--clients", "1", "--port", "0"]
    out = err = subprocess.PIPE
    reset = functools.partial(signal.signal, number, signal.SIG_DFL)  # a shell's background jobs ignore SIGINT
    with subprocess.Popen(line, stdout=out, stderr=err, text=True, preexec_fn=reset) as process:
        assert process.stderr
        assert "asyncio listens on 127.0.0.1:" in process.stderr.readline()
        process.send_signal(number)
        said, error = process.communicate(timeout=LIMIT)
    assert process.returncode == 128 + number
    assert error == ""
    assert said.splitlines()[-1] == "0 stalls"


def test_port_in_use_is_one_line_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = watch("asyncio", "--port", str(port), "--for", "1s")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"echo-tui: port {port} is ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["asyncio", "--for", "soon"], "'soon' is no length of time: write 500ms, 10s or 2m, up to 24h"),
        (["asyncio", "--for", "0s"], "'0s' is no length of time"),
        (["asyncio", "--load", "fast"], "load 'fast': a number from 0.01 to 1,000, or 0 to stop, please"),
        (["asynci"], "unknown pattern"),
    ],
)
def test_invalid_argument_is_one_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    done = watch(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")
def test_stall_without_reports_has_the_same_cause_and_line() -> None:
    port = str(free_port())
    arguments = ["asyncio", "--clients", "3", "--load", "5", "--block", "sleep:0.6", "--for", "3s", "--no-reports"]
    done = watch(*arguments, "--json", "--port", port)
    stream = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (3, "")
    assert stream[0]["parameters"]["reports"] is False
    assert not [each for each in stream if each["type"] in ("echo", "block")], "only reports contain these"
    closed = [each for each in stream if each["type"] == "stall" and each["event"] == "closed" and each["culprit"]]
    # On a busy machine there may be others, of a server that gets no core.
    assert ("blocked", "sleep", False) in {
        (each["cause"], each["culprit"]["function"], each["injected"]) for each in closed
    }
    assert not [each for each in closed if each["injected"]]


def test_server_without_reports_needs_a_known_port() -> None:
    done = watch("asyncio", "--no-reports", "--port", "0")
    assert done.returncode == 2
    assert "needs a --port" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_exit_code_for_stalls_is_optional() -> None:
    line = ("single-thread", "--clients", "2", "--for", "1500ms", "--port", "0")
    assert watch(*line).returncode == 3
    assert watch(*line, "--fail-on", "nothing").returncode == 0
