"""Watching a server as its owner, another user or the superuser: what is visible, and which right is missing."""

import functools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import echo_servers
import echo_tui
import msgspec
import pytest
from echo_tui.observers import foreign_stacks

from tests.attach.watching import Foreign, Peer, Watched
from tests.crossed import seldom
from tests.ports import free_port, is_free

NOBODY, SOMEBODY = 65534, 54321
LIMIT = 30.0
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or ""
"""An interpreter that other users can run; that of the tests may be in a directory they cannot enter."""
PATHS = {str(Path(str(package.__file__)).parents[1]) for package in (echo_servers, echo_tui, msgspec)}
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(sorted(PATHS)),
    "PATH": os.pathsep.join([str(Path(foreign_stacks.py_spy() or "/bin/true").parent), "/usr/bin", "/bin"]),
    "ECHO_TUI_CONFIG": os.devnull,
}
Run = Callable[..., "subprocess.Popen[str]"]


@functools.cache
def usable() -> bool:
    """Return whether another user can run echo-tui here with the system's interpreter."""
    if sys.platform != "linux" or os.getuid() != 0 or not PYTHON:
        return False
    line = [PYTHON, "-P", "-m", "echo_tui", "--version"]
    options: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": ENVIRONMENT, "cwd": "/"}
    return subprocess.run(line, capture_output=True, check=False, **options).returncode == 0


pytestmark = pytest.mark.skipif(
    not usable(), reason="only the superuser can be several users, and those need a Python of the system"
)


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that runs a command as a user."""
    with ExitStack() as stack:

        def started(user: int, *line: str, **streams: Any) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                line, user=user, group=user, extra_groups=[], env=ENVIRONMENT, cwd="/", text=True, **streams
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield started


def server_of(run: Run, user: int) -> Foreign:
    """Start a server as a user; it stalls on the line `go`."""
    port = free_port()
    script = Path(__file__).with_name("app.py").read_text(encoding="utf-8")
    process = run(user, PYTHON, "-c", script, str(port), "sleep", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + LIMIT
    while is_free(port):
        assert time.monotonic() < end, "the server does not listen"
        time.sleep(0.02)
    return Foreign(process.pid, port)


def watch(run: Run, user: int, *arguments: str) -> "subprocess.Popen[str]":
    line = [PYTHON, "-P", "-m", "echo_tui", *arguments]
    return run(user, *line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize(("of", "by"), [(NOBODY, 0), (NOBODY, NOBODY)], ids=["by the superuser", "by the same user"])
def test_stall_is_found_by_owner_and_superuser(run: Run, of: int, by: int) -> None:
    server = server_of(run, of)
    first, other = Peer(server.port), Peer(server.port)
    first.talk()
    other.talk()
    watched = Watched(watch(run, by, "watch", f":{server.port}", "--json", "--stall-after", "200"))
    watched.until(lambda line: line["type"] == "worker")
    first.say(b"go\n")
    time.sleep(0.1)
    other.say(b"hello\n")
    located = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("function"))
    other.hear()
    closed = watched.stall("closed")
    assert (located["culprit"]["function"], closed["cause"]) == ("wait_for_export", "blocked")
    assert other.name in {victim["peer"] for victim in closed["victims"]}


@pytest.mark.parametrize("of", [0, SOMEBODY], ids=["of the superuser", "of somebody else"])
@pytest.mark.parametrize("command", seldom(["watch", "doctor"], "doctor"))
def test_refusal_for_another_users_server_names_the_right(run: Run, of: int, command: str) -> None:
    server = server_of(run, of)
    for target in (f":{server.port}", str(server.pid)):
        refused = watch(run, NOBODY, command, target)
        said, complaint = refused.communicate(timeout=LIMIT)
        assert (refused.returncode, said) == (4, "")
        assert len(complaint.splitlines()) == 1
        assert "run as that user, or" in complaint
        assert ("root" if of == 0 else str(SOMEBODY)) in complaint
    os.kill(server.pid, 0)


def test_list_of_servers_as_another_user(run: Run) -> None:
    server = server_of(run, SOMEBODY)
    listed = watch(run, NOBODY, "attach")
    said, complaint = listed.communicate(timeout=LIMIT)
    assert f":{server.port}" in said + complaint


def test_doctor_as_another_user(run: Run) -> None:
    found = json.loads(watch(run, NOBODY, "doctor", "--json").communicate(timeout=LIMIT)[0])
    assert all(not one["missing"] or one["fix"] for one in found), "missing evidence has a fix"
