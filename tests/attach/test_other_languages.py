"""Stacks of servers in other languages: Node and Go, whose memory is read, and Java, which is queried with jcmd."""

import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
from echo_tui.model.observations import StackSample
from echo_tui.observers.foreign_stacks import TRIES, ForeignStacks, decoded, is_stopped, java_stacks, kind_of, reader_of
from echo_tui.observers.go_stacks import goroutines
from echo_tui.observers.node_stacks import first_line

from tests.attach.conftest import Start, Watch
from tests.attach.watching import Foreign, Line, Peer

TRIES_TO_READ = 8
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")


def stalled(start: Start, watch: Watch, script: str, line: bytes) -> tuple[int, Line, Line]:
    """Stall a server with a line; return its pid, the closed stall, and the stall once its function was known."""
    server = start(script)
    first, *others = (Peer(server.port) for _ in range(3))
    for peer in (first, *others):
        peer.talk()
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda each: each["type"] == "worker")
    first.say(line)
    time.sleep(0.2)
    for peer in others:
        peer.say(b"hello\n")
    stall = watched.until(lambda each: each["type"] == "stall" and (each["culprit"] or {}).get("function"))
    for peer in others:
        peer.hear()
    closed = watched.stall("closed")
    assert {peer.name for peer in others} <= {victim["peer"] for victim in closed["victims"]}
    return server.pid, closed, stall


def test_node_that_waits_for_a_child_process(start: Start, watch: Watch) -> None:
    """It waits in poll like an idle loop, but for the child."""
    pid, _, stall = stalled(start, watch, "node.js", b"go\n")
    culprit = stall["culprit"]
    assert (culprit["tid"], culprit["function"]) == (pid, "runReport")
    assert culprit["file"].endswith("attach/node.js")
    lines = Path(culprit["file"]).read_text().splitlines()
    assert lines[culprit["line"] - 1] == "function runReport() {", "the function's first line"


def test_computing_node(start: Start, watch: Watch) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("a thread that computes is read on x86-64 only")
    pid, _, stall = stalled(start, watch, "node.js", b"cpu\n")
    assert (stall["culprit"]["tid"], stall["culprit"]["function"]) == (pid, "computeReport")
    assert stall["cause"] in ("computing", "no-core")


def test_go_server_with_a_single_goroutine(start: Start, watch: Watch) -> None:
    """Its threads look idle: the Go runtime parks a sleeping goroutine without a thread."""
    pid, stall = stalled_go(start, watch, "loop")
    assert (stall["culprit"]["pid"], stall["culprit"]["call"], stall["cause"]) == (pid, "sleep", "blocked")
    assert {victim["kind"] for victim in stall["victims"]} == {"not-accepted"}


def test_go_lock_kept_across_a_sleep(start: Start, watch: Watch) -> None:
    _, stall = stalled_go(start, watch, "lock")
    assert {victim["kind"] for victim in stall["victims"]} == {"unread"}


def stalled_go(start: Start, watch: Watch, how: str) -> tuple[int, Line]:
    """Stall a Go server; return its pid and the stall once its line was known."""
    server = start("loop.go", how)
    watched = watch(f":{server.port}", "--stall-after", "200")
    watched.until(lambda each: each["type"] == "worker")
    first, *others = (Peer(server.port) for _ in range(3))
    first.say(b"go\n")
    time.sleep(0.2)
    for peer in others:
        peer.say(b"hi\nho\n")
    stall = watched.until(lambda each: each["type"] == "stall" and (each["culprit"] or {}).get("function"))
    culprit = stall["culprit"]
    assert (culprit["function"], culprit["file"]) == ("main.waitForExport", str(Path(__file__).with_name("loop.go")))
    assert "time.Sleep" in Path(culprit["file"]).read_text().splitlines()[culprit["line"] - 1]
    assert {victim["peer"] for victim in stall["victims"]} <= {peer.name for peer in others}
    first.hear()
    return server.pid, stall


def test_go_stacks_are_read_without_stopping_the_program(start: Start) -> None:
    """The reader does not trace the process, whether pausing it is allowed or not."""
    server = start("loop.go", "loop")
    peer = Peer(server.port)
    peer.say(b"go\n")
    time.sleep(0.2)
    assert kind_of(server.pid) == "go"
    assert reader_of(server.pid, may_pause=False) == reader_of(server.pid, may_pause=True)
    found = goroutines(server.pid)
    frames = [(frame["name"], Path(frame["filename"]).name) for one in found for frame in one["frames"]]  # type: ignore[attr-defined]
    assert ("main.waitForExport", "loop.go") in frames
    assert Path(f"/proc/{server.pid}/status").read_text().partition("TracerPid:\t")[2].startswith("0\n")
    peer.hear()


def test_computing_node_is_paused_only_if_allowed(start: Start) -> None:
    server = start("node.js")
    peer = Peer(server.port)
    peer.talk()
    for may_pause in (False, True):
        readers = ForeignStacks()
        try:
            assert bool(read_while_it_computes(readers, server, peer, may_pause)) == may_pause
            assert readers.pauses(server.pid) == may_pause
        finally:
            readers.close()


def read_while_it_computes(readers: ForeignStacks, server: Foreign, peer: Peer, may_pause: bool) -> StackSample | None:
    """Read the stacks of a server that computes. If it was ready before they were read, let it compute again."""
    node = psutil.Process(server.pid)
    for _ in range(TRIES_TO_READ):
        before = node.cpu_times().user
        peer.say(b"cpu\n")
        while node.cpu_times().user < before + 0.2 and not has_replied(peer):
            time.sleep(0.01)
        found = None
        assert readers.ask(server.pid, may_pause)
        while readers.busy:
            found = readers.read()
            time.sleep(0.01)
        in_time = not has_replied(peer)
        peer.hear()
        if in_time:
            return found
    raise AssertionError("the server never computed for long enough to be read")


def has_replied(peer: Peer) -> bool:
    """Return whether a reply can be read, or the server has closed the connection."""
    return bool(select.select([peer.sock], [], [], 0)[0])


def test_blocked_loop_in_java(start: Start, watch: Watch) -> None:
    if not shutil.which("jcmd"):
        pytest.skip("jcmd is not installed here")
    _, closed, stall = stalled(start, watch, "Loop.java", b"go\n")
    lines = Path(__file__).with_name("Loop.java").read_text().splitlines()
    assert stall["culprit"]["function"] == "Loop.waitForExport"
    assert "Thread.sleep" in lines[stall["culprit"]["line"] - 1]
    assert closed["cause"] == "blocked", "a sleep, although the thread is in a futex call"


LIMIT = 30.0
DUMP = """\
1234:
2026-11-27 12:00:00
Full thread dump OpenJDK 64-Bit Server VM (17.0.15+6 mixed mode, sharing):

"main" #1 prio=5 os_prio=0 cpu=92.11ms elapsed=9.01s tid=0x00007f nid=0x4d3 waiting on condition  [0x00007f2c]
   java.lang.Thread.State: TIMED_WAITING (sleeping)
\tat java.lang.Thread.sleep(java.base@17.0.15/Native Method)
\tat com.acme.Server$Handler.handle(Server.java:42)
\tat java.lang.Thread.run(java.base@17.0.15/Thread.java:840)

"GC Thread#0" os_prio=0 cpu=1.55ms elapsed=9.01s tid=0x00007f nid=1236 runnable
"""


def test_jcmd_output_is_parsed() -> None:
    (stack,) = java_stacks(DUMP.splitlines())
    assert stack.tid == 0x4D3
    assert [(frame.file, frame.line, frame.function) for frame in stack.frames] == [
        ("java:Native Method", 0, "Thread.sleep"),
        ("com/acme/Server.java", 42, "Server$Handler.handle"),
        ("java:Thread.java", 840, "Thread.run"),
    ]
    with pytest.raises(msgspec.DecodeError):
        decoded("jcmd", b"Error: not a Java machine\n")


def test_java_process_without_a_sigquit_handler_is_not_queried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_tui.observers.foreign_stacks.kind_of", lambda pid: "jcmd")
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert reader_of(os.getpid(), may_pause=True) is None, "this process does not catch SIGQUIT"


def test_other_processes_are_read_by_py_spy() -> None:
    assert kind_of(os.getpid()) == "py-spy"
    assert kind_of(0) == "py-spy"


def test_hostile_thread_names_are_harmless() -> None:
    """HotSpot prints thread names unescaped, including line breaks."""
    hostile = ['"x', '"y" nid=007 ', f'"z" nid={"9" * 5000} ', '"' + '" "' * 8000, "\tat " + "a.b(" * 800]
    hostile += ["\tat a.b(C.java:" + "9" * 5000 + ")", "\tat (", "\tat )", "\tat a()", "at .(:)"]
    (stack,) = java_stacks([*hostile, *DUMP.splitlines(), *hostile])
    assert stack.tid == 0x4D3
    assert stack.frames[1].line == 42


def test_only_regular_files_named_by_node_are_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in ("/dev/zero", "/dev/tty", str(fifo), str(tmp_path), "/nowhere"):
        assert first_line(os.getpid(), path, 5) == 0
    source = tmp_path / "app.js"
    source.write_text("one\ntwo\nthree\n")
    assert [first_line(os.getpid(), str(source), begin) for begin in (-1, 0, 5, 9, 1000)] == [0, 1, 2, 3, 0]


def test_stopped_process_is_not_queried(start: Start) -> None:
    server = start("app.py", "sleep")
    readers = ForeignStacks()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        end = time.monotonic() + LIMIT
        while not is_stopped(server.pid):
            assert time.monotonic() < end, "the process does not stop"
        assert not readers.ask(server.pid)
    finally:
        os.kill(server.pid, signal.SIGCONT)
        readers.close()


def test_process_is_queried_again_after_pausing_was_not_allowed(start: Start) -> None:
    server = start("node.js")
    peer = Peer(server.port)
    peer.talk()
    peer.say(b"cpu\n")
    readers = ForeignStacks()
    try:
        for _ in range(TRIES + 1):
            assert readers.ask(server.pid, may_pause=False)
            while readers.busy:
                readers.read()
                time.sleep(0.01)
    finally:
        readers.close()
    peer.hear()
