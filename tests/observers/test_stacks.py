"""The line of code each thread is on, of processes that do something known; and that to look changes nothing."""

import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from echo_tui.model.observations import StackSample
from echo_tui.observers.stacks import Stacks, answers, parse
from echo_tui.observers.threads import Threads

from tests.observers.program import Program, starting
from tests.observers.watching import LIMIT, eventually, watched

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux has /proc/PID/task")


class Answering(Program):
    """A program with the handler."""

    def __init__(self, text: str) -> None:
        self.stacks = Stacks()
        self.threads = Threads(lambda inode: "")
        handler = f"from echo_servers import stacks; stacks.answer({self.stacks.fd})\n"
        super().__init__(handler + textwrap.dedent(text), [self.stacks.fd])

    def look(self, pid: int = 0) -> StackSample:
        return ask(self.stacks, self.threads, pid or self.pid)

    def end(self) -> None:
        super().end()
        self.stacks.close()
        self.threads.close()


def ask(stacks: Stacks, threads: Threads, pid: int) -> StackSample:
    found: list[StackSample] = []

    def answered() -> bool:
        threads.sample([pid])
        stacks.ask(pid, threads.to_ask(pid))
        if sample := stacks.read():
            found.append(sample)
        return bool(found)

    eventually(answered, f"the stacks of {pid}")
    return found[0]


Started = Callable[[str], Answering]


@pytest.fixture
def start() -> Iterator[Started]:
    with starting(Answering) as start:
        yield start


def test_every_thread_is_told_apart(start: Started) -> None:
    program = start(
        """
        import threading, time
        def sleeps(seconds, tids, number):
            tids[number] = threading.get_native_id()
            globals()["sleeps_%d" % number](seconds)
        for number in range(12):
            exec(f"def sleeps_{number}(seconds): time.sleep(seconds)")
        tids = {}
        threads = [threading.Thread(target=sleeps, args=(1000, tids, n), daemon=True) for n in range(12)]
        for thread in threads: thread.start()
        while len(tids) < 12: time.sleep(0.01)
        print(*[tids[n] for n in range(12)], flush=True)
        time.sleep(1000)
        """
    )
    tids = {int(tid): number for number, tid in enumerate(program.first)}
    found = {stack.tid: stack.frames for stack in program.look().stacks}
    assert set(found) == {*tids, program.pid}
    for tid, number in tids.items():
        assert found[tid][0].function == f"sleeps_{number}"
    assert found[program.pid][0].function == "<module>"


BUSY = {
    "a sleep": "time.sleep(1000)",
    "a loop": "while True: pass",
    "C code that gives the GIL up": "hashlib.pbkdf2_hmac('sha256', b'x', b'y', 10**9)",
    "C code that keeps the GIL": "re.match('(a+)+$', 'a' * 64 + 'b')",
}


@pytest.mark.parametrize("what", BUSY)
def test_a_thread_that_does_not_come_back_is_seen_all_the_same(start: Started, what: str) -> None:
    program = start(
        f"""
        import hashlib, re, time
        def busy():
            {BUSY[what]}
        print("ready", flush=True)
        busy()
        """
    )
    eventually(lambda: any(f.function == "busy" for f in program.look().stacks[0].frames), "the function")
    frame = next(f for f in program.look().stacks[0].frames if f.function == "busy")
    assert frame.line == 5


def test_forked_workers_answer_for_themselves(start: Started) -> None:
    program = start(
        """
        import os, time
        def child(): time.sleep(1000)
        def parent(): time.sleep(1000)
        pid = os.fork()
        if not pid: child()
        print(pid, flush=True)
        parent()
        """
    )
    worker = int(program.first[0])
    try:
        for pid, function in ((worker, "child"), (program.pid, "parent")):
            eventually(lambda: program.look(pid).stacks[0].frames[0].function == function, function)  # noqa: B023
    finally:
        os.kill(worker, signal.SIGKILL)


def test_a_sleep_keeps_its_length_and_a_failing_call_its_error(start: Started) -> None:
    """faulthandler gives errno back only when it chains: a call that had failed would fail with [Errno 0] (seen)."""
    program = start(
        """
        import socket, time
        began = time.monotonic()
        time.sleep(0.5)
        print(time.monotonic() - began, flush=True)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            try:
                listener.accept()
            except BlockingIOError:
                pass
        print("whole", flush=True)
        """
    )
    assert float(program.first[0]) >= 0.5
    looks = 0
    while program.process.poll() is None:
        looks += program.stacks.ask(program.pid, [program.pid])
        program.stacks.read()
    assert program.line() == b"whole\n"
    assert looks > 20


def test_a_sleep_that_is_looked_at_keeps_its_length(start: Started) -> None:
    program = start(
        """
        import time
        print("ready", flush=True)
        began = time.monotonic()
        time.sleep(1)
        print(time.monotonic() - began, flush=True)
        time.sleep(1000)
        """
    )
    for _ in range(10):
        program.look()
        time.sleep(0.02)
    assert float(program.line()) >= 1


def test_nobody_is_asked_who_would_die_of_it() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        stacks = Stacks()
        assert not answers(process.pid)
        assert not stacks.ask(process.pid, [process.pid])
        assert process.poll() is None
        process.kill()
        stacks.close()


@pytest.mark.parametrize("pattern", ["thread-pool", "process-thread-pool", "multithread", "eventlet", "busy-loop"])
def test_a_server_goes_on_while_it_is_looked_at(pattern: str) -> None:
    with watched(pattern) as server:
        (client,) = server.connect()
        client.settimeout(LIMIT)
        threads = Threads(lambda inode: "")
        pids = [process.pid for process in server.members()]
        for number in range(10):
            for pid in pids:
                ask(server.child.stacks, threads, pid)
            client.sendall(b"%d" % number)
            assert client.recv(10) == b"%d" % number
        assert server.errors() == []
        client.close()
        threads.close()


def test_what_faulthandler_writes_is_read() -> None:
    late = '  File "/late.py", line 1 in of_the_thread_before\n'
    said = """Stack (most recent call first):
  File "/x/echo.py", line 16 in echo
  File "/x/pool.py", line ??? in work
  File "/lib/threading.py", line 1002 in _bootstrap
"""
    frames, whole = parse(late + said)
    assert [(f.file, f.line, f.function) for f in frames][:2] == [("/x/echo.py", 16, "echo"), ("/x/pool.py", 0, "work")]
    assert whole
    assert not parse(said[:-1])[1], "its last line is still being written"
    assert not parse(said[: said.index('  File "/lib')])[1], "a thread does not begin in the middle"
    assert parse("") == ([], False)
    assert parse("Stack (most recent call first):\n") == ([], False)


def test_threads_that_come_and_go_are_looked_at_without_harm(start: Started) -> None:
    """To walk the stacks of other threads from a signal handler has crashed servers: each writes its own."""
    program = start(
        """
        import threading, time
        def deep(depth): return deep(depth - 1) if depth else time.sleep(0.001)
        def churn():
            while True:
                those = [threading.Thread(target=deep, args=(60,)) for _ in range(8)]
                for thread in those: thread.start()
                for thread in those: thread.join()
        threading.Thread(target=churn, daemon=True).start()
        print("ready", flush=True)
        churn()
        """
    )
    answers_seen, end = 0, time.monotonic() + 4
    while time.monotonic() < end:
        program.threads.pace.hurry()
        program.threads.sample([program.pid])
        program.stacks.ask(program.pid, program.threads.to_ask(program.pid))
        if sample := program.stacks.read():
            answers_seen += len(sample.stacks)
        assert program.process.poll() is None, "it has died of being looked at"
    assert answers_seen > 50
