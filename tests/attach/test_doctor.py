"""`echo-tui doctor`: which evidence this machine and a server can provide, as text and as JSON."""

import json
import subprocess
import sys

import pytest
from echo_tui.observers import evidence, foreign_stacks

from tests.attach.conftest import Start
from tests.e2e.terminal import command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the evidence of other systems is psutil's")


def doctor(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([command(), "doctor", *arguments], capture_output=True, text=True, timeout=60)


def test_all_kinds_of_evidence_are_listed() -> None:
    said = json.loads(doctor("--json").stdout)
    assert [each["name"] for each in said] == [
        "records", "sockets", "threads", "stacks", "CPU and memory", "system calls",
    ]  # fmt: skip
    missing = [each for each in said if each["missing"]]
    assert doctor().returncode == (4 if missing else 0)


def test_each_process_of_a_server_is_examined(start: Start) -> None:
    server = start("app.py", "sleep")
    said = doctor(f":{server.port}").stdout
    assert f"✓ process {server.pid}: descriptors" in said
    assert f"✓ process {server.pid}: system calls" in said
    assert f"process {server.pid}: lines of code" in said


def test_missing_evidence_has_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_stacks, "py_spy", lambda: None)
    (stacks,) = [one for one in evidence.of_machine() if one.name == "stacks"]
    assert (stacks.there, stacks.missing) == (False, "py-spy is not installed")
    assert stacks.fix == "pip install py-spy"


def test_invalid_target_is_refused() -> None:
    refused = doctor("asyncio")
    assert refused.returncode == 2
    assert "'asyncio' is no PID, :PORT or HOST:PORT" in refused.stderr
