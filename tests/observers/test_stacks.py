"""The current line of each thread of known programs; sampling stacks does not change what the programs do."""

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
from echo_tui.observers.threads import ThreadSampler

from tests.observers.program import Program, starting
from tests.observers.watching import LIMIT, eventually, watched

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux has /proc/PID/task")


class Answering(Program):
    """A program with our signal handler."""

    def __init__(self, text: str) -> None:
        self.stacks = Stacks()
        self.threads = ThreadSampler(lambda inode: "")
        handler = f"from echo_servers import stacks; stacks.answer({self.stacks.fd})\n"
        super().__init__(handler + textwrap.dedent(text), [self.stacks.fd])

    def sample_stack(self, pid: int = 0) -> StackSample:
        return ask(self.stacks, self.threads, pid or self.pid)

    def end(self) -> None:
        super().end()
        self.stacks.close()
        self.threads.close()


def ask(stacks: Stacks, threads: ThreadSampler, pid: int) -> StackSample:
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


def test_every_thread_has_its_own_stack(start: Started) -> None:
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
    found = {stack.tid: stack.frames for stack in program.sample_stack().stacks}
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
def test_stack_of_a_thread_that_stays_in_its_call(start: Started, what: str) -> None:
    program = start(
        f"""
        import hashlib, re, time
        def busy():
            {BUSY[what]}
        print("ready", flush=True)
        busy()
        """
    )
    eventually(lambda: any(f.function == "busy" for f in program.sample_stack().stacks[0].frames), "the function")
    frame = next(f for f in program.sample_stack().stacks[0].frames if f.function == "busy")
    assert frame.line == 5


def test_forked_workers_answer_separately(start: Started) -> None:
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
            eventually(lambda: program.sample_stack(pid).stacks[0].frames[0].function == function, function)  # noqa: B023
    finally:
        os.kill(worker, signal.SIGKILL)


def test_sampling_preserves_sleeps_and_errno(start: Started) -> None:
    """faulthandler restores errno only if it chains; without that, a failing call would raise [Errno 0]."""
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


def test_sampled_sleep_keeps_its_length(start: Started) -> None:
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
        program.sample_stack()
        time.sleep(0.02)
    assert float(program.line()) >= 1


def test_process_without_a_handler_is_not_signalled() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        stacks = Stacks()
        assert not answers(process.pid)
        assert not stacks.ask(process.pid, [process.pid])
        assert process.poll() is None
        process.kill()
        stacks.close()


@pytest.mark.parametrize("pattern", ["thread-pool", "process-thread-pool", "multithread", "eventlet", "busy-loop"])
def test_server_continues_while_its_stacks_are_sampled(pattern: str) -> None:
    with watched(pattern) as server:
        (client,) = server.connect()
        client.settimeout(LIMIT)
        threads = ThreadSampler(lambda inode: "")
        pids = [process.pid for process in server.members()]
        for number in range(10):
            for pid in pids:
                ask(server.child.stacks, threads, pid)
            client.sendall(b"%d" % number)
            assert client.recv(10) == b"%d" % number
        assert server.errors() == []
        client.close()
        threads.close()


def test_output_of_faulthandler_is_parsed() -> None:
    late = '  File "/late.py", line 1 in of_the_thread_before\n'
    said = """Stack (most recent call first):
  File "/x/echo.py", line 16 in echo
  File "/x/pool.py", line ??? in work
  File "/lib/threading.py", line 1002 in _bootstrap
"""
    frames, whole = parse(late + said)
    assert [(f.file, f.line, f.function) for f in frames][:2] == [("/x/echo.py", 16, "echo"), ("/x/pool.py", 0, "work")]
    assert whole
    assert not parse(said[:-1])[1], "the last line is incomplete"
    assert not parse(said[: said.index('  File "/lib')])[1], "the bottom of the stack is missing"
    assert parse("") == ([], False)
    assert parse("Stack (most recent call first):\n") == ([], False)


@pytest.mark.slow
def test_stacks_of_short_lived_threads_are_sampled_safely(start: Started) -> None:
    """Walking the stacks of other threads from a signal handler has crashed servers: each thread writes its own."""
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
        assert program.process.poll() is None, "the program has crashed"
    assert answers_seen > 50
