"""Which server a target identifies, and the error if there is none."""

import os
import socket
import subprocess
import sys

import pytest
from echo_servers.server import BadRequest
from echo_tui.observers import targets
from echo_tui.observers.targets import Owners, find_target, listeners, looks_like_target, owners_of

from tests.attach.conftest import Start
from tests.e2e.terminal import command
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/net/tcp")


@pytest.mark.parametrize("text", ["123", ":8000", "127.0.0.1:80", "[::1]:80", "localhost:8000"])
def test_number_or_address_is_a_target(text: str) -> None:
    assert looks_like_target(text)


@pytest.mark.parametrize("text", ["asyncio", "my_server.py", "8000x", ":http", ""])
def test_other_text_is_no_target(text: str) -> None:
    assert not looks_like_target(text)


def test_server_is_found_by_pid_port_or_address(start: Start) -> None:
    server = start("app.py", "sleep")
    for text in (str(server.pid), f":{server.port}", f"127.0.0.1:{server.port}", f"localhost:{server.port}"):
        target = find_target(text)
        assert (target.host, target.port, target.pids) == ("127.0.0.1", server.port, (server.pid,))
        assert "app.py" in target.command


def test_port_selects_one_of_several_listeners() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(BadRequest, match="choose one of"):
            find_target(str(os.getpid()))
        port = other.getsockname()[1]
        assert find_target(str(os.getpid()), port).port == port
        assert {one.getsockname()[1], port} <= {each.port for each in listeners()}


def test_all_processes_with_the_listener_are_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if not child:
            os.read(os.pipe()[0], 1)
            os._exit(0)
        try:
            target = find_target(f":{listener.getsockname()[1]}")
            assert set(target.pids) == {os.getpid(), child}
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


def test_owner_of_a_connection_is_found_by_inode() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            inode = os.fstat(accepted.fileno()).st_ino
            assert owners_of([inode], [1, os.getpid()]) == {inode: os.getpid()}
    assert not owners_of([0], [os.getpid()])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("watch", ":{free}"), "nobody listens on :{free}; the nearest listeners: "),
        (("watch", "4194999"), "there is no process 4194999"),
        (("watch", "1x"), "unknown pattern '1x'"),
        (("watch", "no.such.host.invalid:80"), "host 'no.such.host.invalid' does not resolve"),
        (("watch", ":{free}", "--clients", "3"), "--clients is for a pattern; :{free} is only observed"),
        (("watch", "{own}"), "process {own} listens nowhere, and neither do its children"),
    ],
)
def test_invalid_target_is_reported_in_one_line(arguments: tuple[str, ...], sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)), subprocess.Popen(["sleep", "60"]) as idle:
        try:
            names = {"free": free_port(), "own": idle.pid}
            line = [command(), *(word.format(**names) for word in arguments)]
            ended = subprocess.run(line, capture_output=True, text=True, timeout=60)
            assert ended.returncode == 2
            assert sentence.format(**names) in ended.stderr
            assert len(ended.stderr.strip().splitlines()) <= 3
        finally:
            idle.kill()


def test_processes_with_the_listener_are_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        inode = os.fstat(listener.fileno()).st_ino
        holders = Owners([inode])
        assert holders.now() == (os.getpid(),)
        line = [sys.executable, "-c", "import time; print(flush=True); time.sleep(1000)"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, pass_fds=[listener.fileno()]) as heir:
            assert heir.stdout
            heir.stdout.readline()
            assert holders.now() == (os.getpid(),), "the next search is not due yet"
            monkeypatch.setattr(targets, "SEARCH", 0.0)
            assert set(holders.now()) == {os.getpid(), heir.pid}
            monkeypatch.setattr(targets, "SEARCH", 1000.0)
            heir.kill()
            heir.wait()
            assert holders.now() == (os.getpid(),), "an ended process is dropped at once"
    assert holders.now() == ()
