"""The lens: it shows what the server calls, and lets go of it."""

import os
import signal
import subprocess

import psutil
import pytest

from app.observers.strace import Strace, is_installed
from tests.observers.watching import LIMIT, eventually, watched

pytestmark = pytest.mark.skipif(not is_installed(), reason="there is no strace")


@pytest.mark.parametrize(
    ("pattern", "call"), [("asyncio", "epoll_wait("), ("eventlet", "epoll_wait("), ("select-loop", "select")]
)
def test_what_a_loop_waits_in(pattern: str, call: str) -> None:
    with watched(pattern) as server:
        (client,) = server.connect()
        client.settimeout(LIMIT)
        lens = Strace(server.child.pid)
        seen: list[str] = []

        def shown() -> bool:
            client.sendall(b"hogehoge")
            assert client.recv(100)
            if calls := lens.read():
                assert calls.count >= len(calls.lines)
                seen.extend(calls.lines)
            return any(call in line for line in seen) and any("hogehoge" in line for line in seen)

        eventually(shown, f"{call} in {seen[-5:]}")
        lens.stop()
        client.sendall(b"still there")
        assert client.recv(100) == b"still there"
        client.close()


@pytest.mark.parametrize(("pattern", "call"), [("asyncio", "epoll_wait("), ("eventlet", "epoll_wait(")])
def test_what_a_quiet_loop_is_in(pattern: str, call: str) -> None:
    """A call that has not returned is known by its beginning, also if nothing ever happens."""
    with watched(pattern) as server:
        lens = Strace(server.child.pid)
        eventually(lambda: (calls := lens.read()) and calls.begun.startswith(call), call)
        assert lens.read() is None, "nothing is new"
        lens.stop()


def test_it_goes_with_the_server() -> None:
    with watched("asyncio") as server:
        lens = Strace(server.child.pid)
        eventually(lens.read, "it is attached")
        os.kill(server.child.pid, signal.SIGKILL)
        eventually(lambda: lens._process.poll() is not None, "its end")
        lens.stop()


def test_a_process_that_is_not_there_is_said_by_strace_itself() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    lens = Strace(gone.pid)
    said: list[str] = []

    def told() -> bool:
        if calls := lens.read():
            said.extend(calls.lines)
        return "No such process" in "".join(said)

    eventually(told, "its own words")
    lens.stop()
    assert not psutil.pid_exists(lens._process.pid)
