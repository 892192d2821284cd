"""What threads do, compared with threads that the test itself has started."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from echo_tui.model.evidence import Thread
from echo_tui.model.threads import Threads as Known
from echo_tui.observers import syscalls
from echo_tui.observers.sockets import SocketSampler
from echo_tui.observers.threads import MOST, OLDEST, ThreadSampler, chosen

from tests.observers.program import Program, starting
from tests.observers.watching import eventually

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux has /proc/PID/task")


class Seen(Program):
    """A program that runs until it is killed, and the latest samples of its threads."""

    def __init__(self, text: str) -> None:
        self.sockets = SocketSampler()
        self.threads = ThreadSampler(self.sockets.peer_of)
        self.known = Known()
        self.latest: dict[int, Thread] = {}
        super().__init__(text)

    def sample(self) -> None:
        if sample := self.threads.sample([self.pid]):
            self.known.apply(sample)
            self.latest.update({thread.tid: thread for thread in sample.threads})
            for _, tid in sample.gone:
                del self.latest[tid]

    def shows(self, condition: Callable[[dict[int, Thread]], object], what: str) -> dict[int, Thread]:
        """Sample until the condition holds for the threads."""

        def so() -> bool:
            self.sample()
            return bool(condition(self.latest))

        eventually(so, f"{what}: {self.latest}")
        return self.latest

    def end(self) -> None:
        super().end()
        self.threads.close()
        self.sockets.close()


Started = Callable[[str], Seen]


@pytest.fixture
def start() -> Iterator[Started]:
    with starting(Seen) as start:
        yield start


ENDS_WITH_ITS_PARENT = "os.close(ends[1]), os.read(ends[0], 1), os._exit(0)"
WAITS = {
    "clock_nanosleep": "time.sleep(1000)",
    "futex": "threading.Lock().acquire() and threading.Event().wait()",
    "read": "os.read(os.pipe()[0], 1)",
    "epoll_wait": "select.epoll().poll()",
    "pselect6": "select.select([os.pipe()[0]], [], [])",
    "wait4": f"ends = os.pipe(); child = os.fork() or ({ENDS_WITH_ITS_PARENT}); os.waitpid(child, 0)",
}


@pytest.mark.parametrize("call", WAITS)
def test_system_call_that_a_thread_waits_in(start: Started, call: str) -> None:
    process = start(f"import os, select, threading, time; print('ready', flush=True); {WAITS[call]}")
    wanted = (call, call.replace("wait", "pwait"), call.replace("p", "", 1).removesuffix("6"), "ppoll")
    (thread,) = process.shows(lambda seen: any(t.call in wanted for t in seen.values()), call).values()
    assert (thread.tid, thread.gil, thread.peer) == (process.pid, False, "")
    assert thread.name.startswith("python")


def test_peer_that_a_recv_waits_for(start: Started) -> None:
    with socket.create_server(("127.0.0.1", 0)) as beacon:
        process = start(
            f"""
            import socket
            listener = socket.create_server(("127.0.0.1", 0))
            print("ready", flush=True)
            told = socket.create_connection({beacon.getsockname()})
            told.sendall(str(listener.getsockname()[1]).encode())
            client = listener.accept()[0]
            client.recv(1)
            """
        )
        port = int(beacon.accept()[0].recv(10))
    process.shows(lambda seen: any(t.call.startswith("accept") for t in seen.values()), "accept")
    with socket.create_connection(("127.0.0.1", port)) as client:
        name = f"127.0.0.1:{client.getsockname()[1]}"
        process.shows(lambda seen: any(t.call == "recvfrom" for t in seen.values()), "recv")
        eventually(lambda: process.sockets.sample(port, "127.0.0.1"), "a sample of the sockets")
        process.shows(lambda seen: [t.peer for t in seen.values()] == [name], "the peer")


def test_threads_that_wait_for_the_gil_and_the_one_that_has_it(start: Started) -> None:
    process = start(
        """
        import re, threading
        def wants():
            while True:
                sum(range(100))
        for _ in range(2):
            threading.Thread(target=wants, daemon=True).start()
        print("ready", flush=True)
        re.match("(a+)+$", "a" * 64 + "b")
        """
    )

    def so(seen: dict[int, Thread]) -> bool:
        others = [thread for tid, thread in seen.items() if tid != process.pid]
        return len(others) == 2 and all(thread.gil for thread in others) and not seen[process.pid].call

    process.shows(so, "two that wait for the GIL, and one that computes in C and has it")


def test_lock_of_the_program_is_not_the_gil(start: Started) -> None:
    process = start(
        """
        import threading
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=lock.acquire, daemon=True).start()
        print("ready", flush=True)
        threading.Event().wait()
        """
    )
    seen = process.shows(lambda seen: [t.call for t in seen.values()] == ["futex", "futex"], "two locks")
    assert not any(thread.gil for thread in seen.values())


def test_started_and_ended_threads_are_followed(start: Started) -> None:
    process = start(
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(0.7,), daemon=True).start()
        print("ready", flush=True)
        time.sleep(1000)
        """
    )
    process.shows(lambda seen: len(seen) == 2, "two threads")
    process.shows(lambda seen: len(seen) == 1, "one thread")
    process.sample()
    before = len(os.listdir("/proc/self/fd"))
    os.kill(process.pid, signal.SIGKILL)
    process.shows(lambda seen: not seen, "none")
    assert len(os.listdir("/proc/self/fd")) == before - 2, "its descriptors are closed"
    assert not process.known.known


def test_unchanged_thread_is_not_reported_again(start: Started) -> None:
    process = start("import time; print('ready', flush=True); time.sleep(1000)")
    process.shows(lambda seen: any(t.call == "clock_nanosleep" for t in seen.values()), "asleep")
    changes: list[int] = []
    while len(changes) < 5:
        if sample := process.threads.sample([process.pid]):
            changes.append(len(sample.threads))
            assert sample.count == 1
    assert sum(changes) <= 1, "its context switches may be updated once"


def test_cpu_share_of_a_thread(start: Started) -> None:
    process = start(
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        print("ready", flush=True)
        while True: pass
        """
    )
    spun = (process.pid, process.pid)

    def known() -> bool:
        process.sample()
        return bool(process.known.known.get(spun) and (process.known.known[spun].cpu or 0) > 0.05)

    eventually(known, "a share of a core")
    (other,) = (state for key, state in process.known.known.items() if key != spun)
    spinner = process.known.known[spun]
    assert (other.cpu or 0) < (spinner.cpu or 0) / 2
    assert other.kind == "sleep"
    assert spinner.kind == ""

    def switches() -> bool:
        process.sample()
        return spinner.voluntary is not None

    eventually(switches, "context switches")


def test_both_architectures_know_the_same_calls() -> None:
    assert set(syscalls.AARCH64.values()) <= set(syscalls.X86_64.values())
    assert syscalls.names("aarch64") is syscalls.AARCH64
    assert syscalls.names("s390x") is None
    assert set(syscalls.X86_64.values()) >= syscalls.ON_A_DESCRIPTOR


def test_sampling_this_process_starts_no_thread() -> None:
    before = threading.active_count()
    threads = ThreadSampler(lambda inode: "")
    sample = threads.sample([os.getpid()])
    assert sample
    assert sample.count >= before
    assert threading.active_count() == before
    threads.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser can become somebody else")
def test_missing_permission_is_reported(start: Started) -> None:
    process = start("import time; print('ready', flush=True); time.sleep(1000)")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)  # nobody
        threads = ThreadSampler(lambda inode: "")
        sample = threads.sample([process.pid])
        os.write(writing, f"{sample} {threads.missing}".encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 1000).decode() == "None this system does not let one see another process's system calls"
    os.close(reading)


def test_continued_thread_is_not_stopped(start: Started) -> None:
    """Although the stopped state is read only once a second."""
    process = start("print('ready', flush=True)\nwhile True: pass")
    process.shows(lambda seen: seen, "the thread runs")
    os.kill(process.pid, signal.SIGSTOP)
    (stopped,) = process.shows(lambda seen: all(t.stopped for t in seen.values()), "the thread is stopped").values()
    process.sample()
    os.kill(process.pid, signal.SIGCONT)
    (thread,) = process.shows(lambda seen: all(t.ran > stopped.ran for t in seen.values()), "it runs again").values()
    assert not thread.stopped


def test_oldest_and_requested_threads_are_sampled_of_too_many() -> None:
    alive = [(1, tid) for tid in range(100, 100 + 3 * MOST)]
    latest = alive[-5:][::-1]
    picked = chosen(alive, [*latest, (1, 7)])
    assert len(picked) == MOST
    assert picked == {*alive[: MOST - 5], *latest}
    assert chosen(alive, alive[::-1]) == {*alive[:OLDEST], *alive[OLDEST - MOST :]}
