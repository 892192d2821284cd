"""A server as a child process: it is started, read and blocked, and leaves nothing behind however it ends."""

import contextlib
import fcntl
import os
import signal
import socket
from pathlib import Path

import psutil
import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import BY_NAME, PATTERNS
from echo_servers.records import Block, Bye, Echo, Listening, New, Note, Recv, Send, ThreadCount, Unblock, WorkerStarted
from echo_servers.server import Options
from echo_tui.model.observations import Output, ServerExited, ServerStarted
from echo_tui.observers.child import LINE

from tests.crossed import seldom
from tests.observers.watching import Watched, eventually, is_gone, watched
from tests.ports import is_free
from tests.servers.harness import DIFFERENT

SERVING = [pattern.name for pattern in PATTERNS if pattern.serves]
FORKING = ("process-pool", "process-thread-pool", "process-loops", "asyncio-processes")


@pytest.mark.parametrize("pattern", seldom(SERVING, *DIFFERENT))
def test_stop_ends_the_server_and_frees_the_port(pattern: str) -> None:
    with watched(pattern, BlockSetting("sleep", 60), workers=2) as server:
        started = server.until(ServerStarted)[0]
        assert server.seen[0] is started
        assert (started.pattern, started.pid, started.host, started.port) == (pattern, server.child.pid, "127.0.0.1", 0)
        assert started.idle_calls == list(BY_NAME[pattern].idle_calls)
        clients = server.connect(4)
        for client in clients:
            client.sendall(b"hold")
        assert server.until(Block)[0].kind == "sleep"
        eventually(lambda: len(server.members()) == (3 if pattern in FORKING else 1), "all workers run")
        members = server.members()
        port = server.port
        server.stop()
        assert is_free(port)
        assert all(map(is_gone, members))
        end = server.all(ServerExited)
        assert [(e.code, e.wanted, e.pid) for e in end] == [(-signal.SIGTERM, True, server.child.pid)]
        assert server.seen[-1] is end[0]
        assert not server.child.running
        assert server.child.stop() == []
        for client in clients:
            client.close()


def test_traceback_of_nonblocking_is_read() -> None:
    with watched("nonblocking") as server:
        assert (server.ended().code, server.ended().wanted) == (1, False)
        errors = server.errors()
        assert errors[0].startswith("Traceback")
        assert errors[-1].startswith("BlockingIOError: ")
        assert any("nonblocking.py" in line for line in errors)
        assert len(server.all(Listening)) == 1
        server.stop()
        assert len(server.all(ServerExited)) == 1, "its end is reported once"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the limit of address space is Linux's")
def test_too_many_threads_reports_the_count_and_the_limit() -> None:
    with watched("too-many-threads") as server:
        assert server.ended().code == 1
        reached = server.all(ThreadCount)[-1].count
        (note,) = server.all(Note)
        assert note.text.startswith(f"refused after {reached} threads: ")
        assert server.errors()[-1] == "RuntimeError: can't start new thread"


def test_too_many_threads_stops_at_its_ceiling() -> None:
    with watched("too-many-threads", ceiling=20) as server:
        (note,) = server.until(Note)
        assert "ceiling of 20 threads" in note.text
        assert server.all(ThreadCount)[-1].count == 20
        assert psutil.Process(server.child.pid).num_threads() == 20


def test_port_in_use_names_its_process() -> None:
    with watched("asyncio") as first, watched("multithread", port=first.port) as second:
        assert (second.ended().code, second.ended().wanted) == (2, False)
        (line,) = second.errors()
        assert f"port {first.port} is in use by " in line
        assert f"process {first.child.pid}:" in line


@pytest.mark.parametrize("pattern", [*FORKING, "multithread", "asyncio"])
def test_killed_server_leaves_no_worker(pattern: str) -> None:
    with watched(pattern, workers=3) as server:
        clients = server.connect(2)
        server.until(WorkerStarted)
        eventually(lambda: len(server.members()) == (4 if pattern in FORKING else 1), "all workers run")
        members = server.members()
        os.kill(server.child.pid, signal.SIGKILL)
        assert (server.ended().code, server.ended().wanted) == (-9, False)
        server.stop()
        assert all(map(is_gone, members))
        assert is_free(server.port)
        for client in clients:
            client.close()


def test_killed_worker_is_noted_and_the_others_serve() -> None:
    with watched("process-pool", workers=2) as server:
        victim = server.until(WorkerStarted, 2)[0]
        os.kill(victim.pid, signal.SIGKILL)
        (note,) = server.until(Note)
        assert str(victim.pid) in note.text
        assert "SIGKILL" in note.text
        (client,) = server.connect()
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        client.close()


@pytest.mark.parametrize("pattern", ["single-thread", "process-pool", "asyncio", "eventlet"])
def test_block_is_armed_changed_and_disarmed(pattern: str) -> None:
    with watched(pattern, workers=2) as server:
        (client,) = server.connect()
        for setting in (None, BlockSetting("sleep", 0.01), BlockSetting("sleep", 0.02), None):
            server.child.arm(setting)
            before = len(server.all(Block))
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            blocks = server.until(Block, before + 1) if setting else server.all(Block)
            assert [(b.kind, b.seconds) for b in blocks[before:]] == ([("sleep", setting.seconds)] if setting else [])
        unblocks = server.until(Unblock, 2)
        spans = list(zip(server.all(Block), unblocks, strict=True))
        assert all(end.at - begin.at >= begin.seconds * 1e9 for begin, end in spans)
        assert all(begin.cooperative == (pattern == "eventlet") for begin, _ in spans)
        client.close()


def test_events_of_a_client_are_read_in_order() -> None:
    with watched("single-thread") as server:
        (client,) = server.connect()
        name = "{}:{}".format(*client.getsockname())
        client.sendall(b"\x00\xff")
        assert client.recv(2) == b"\x00\xff"
        client.close()
        server.until(Bye)
        said = [o for o in server.seen if isinstance(o, New | Recv | Send | Echo | Bye)]
        assert [type(o) for o in said] == [New, Echo, Bye]
        assert server.all(New)[0].peer == name
        assert server.all(Echo)[0].head == "\x00\xff"


FLOOD = """
import os, sys
if "echo_servers" in sys.orig_argv:
    os.write(1, b"first\\n" + b"\\n" * 50_000)
    os.write(2, b"\\xff\\x1b" + b"x" * 300_000 + b"\\n" + b"last")
"""


def test_flood_of_output_is_read_in_bounded_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(FLOOD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with watched("nonblocking") as server:
        most = 0
        while not server.all(ServerExited):
            before = len(server.seen)
            server.all(Output)
            most = max(most, len(server.seen) - before)
        assert most <= 20_000, "each read is bounded"
        out = [o.text for o in server.all(Output) if o.stream == "stdout"]
        assert (out[0], len(out)) == ("first", 50_001)
        errors = server.errors()
        assert errors[0].startswith("\N{REPLACEMENT CHARACTER}\x1bxxx")
        assert all(len(line) <= LINE for line in errors)
        assert errors[-1].startswith("BlockingIOError")
        assert "lastTraceback" in "".join(errors)


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = Watched("asyncio", Options(host="::1", port=0))
    try:
        with socket.create_connection(("::1", server.port), 20) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            assert server.until(New)[0].peer == f"[::1]:{client.getsockname()[1]}"
    finally:
        server.stop()


def test_options_become_command_line_arguments() -> None:
    assert Options("::1", 99, workers=3).arguments() == ["--host", "::1", "--port", "99", "--workers", "3"]
    assert Options(print=True).arguments()[-1] == "--print"
    assert "--print" not in Options().arguments()


def test_unread_stdout_stops_the_server_and_loses_nothing() -> None:
    with watched("multithread", printing=True) as server:
        (client,) = server.connect(1)
        client.settimeout(0.3)
        eventually(lambda: server.all(New) and server.lines(), "its first line")
        server.child.hold_output(True)
        echoes = 0
        with contextlib.suppress(TimeoutError):
            while echoes < 10_000:
                client.sendall(b"hogehoge\n")
                client.recv(9)
                echoes += 1
        assert 0 < echoes < (200 if hasattr(fcntl, "F_SETPIPE_SZ") else 10_000), "the pipe holds few lines"
        assert len(server.lines()) == 1, "nothing is read"
        server.child.hold_output(False)
        eventually(lambda: sum(line.startswith("Send: ") for line in server.lines()) > echoes, "every line")
        assert client.recv(9) == b"hogehoge\n"
        client.close()


def test_no_descriptor_leaks() -> None:
    """A dashboard starts many patterns one after the other; each must release all its descriptors."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts descriptors in /proc")
    for _ in range(2):
        before = len(os.listdir("/proc/self/fd"))
        with watched("asyncio") as server:
            server.until(Listening)
    assert len(os.listdir("/proc/self/fd")) == before
    assert not server.all(Output)
