"""The strace view: it shows the server's system calls, without our own signals, and detaches."""

import os
import signal
import subprocess

import psutil
import pytest
from echo_tui.observers.strace import StackRequests, Strace, is_installed

from tests.observers.watching import LIMIT, eventually, watched

with_strace = pytest.mark.skipif(not is_installed(), reason="there is no strace")
REQUEST = [
    "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=18903, si_uid=0} ---",
    r'write(5, "Stack (most recent call first):\n", 32) = 32',
    'write(5, "  File ", 7)      = 7',
    "rt_sigaction(SIGUSR1, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=SA_RESTORER}, NULL, 8) = 0",
    "gettid()                    = 18907",
    "getpid()                    = 18904",
    "tgkill(18904, 18907, SIGUSR1) = 0",
    "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=18904, si_uid=0} ---",
    "rt_sigaction(SIGUSR1, {sa_handler=0x7f3f96abe0d0, sa_mask=[], sa_flags=SA_RESTORER}, NULL, 8) = 0",
    "rt_sigreturn({mask=[]})     = -1 EINTR (Interrupted system call)",
]
"""What strace writes for one stack request, shortened."""
BEFORE = ["epoll_wait(9, 0x7f, 4, -1)  = -1 EINTR (Interrupted system call)"]
AFTER = ["epoll_wait(9, [], 4, 0)     = 0", 'write(1, "New client\\n", 11) = 11']


def of(thread: int, lines: list[str]) -> list[str]:
    """Return the lines as strace writes them for several threads."""
    return [f"[pid {thread}] {line}" for line in lines]


@pytest.mark.parametrize("cut", range(len(REQUEST) + 1))
def test_stack_request_is_left_out_wherever_it_is_split(cut: int) -> None:
    looks = StackRequests()
    assert looks.without([*BEFORE, *REQUEST[:cut]]) == BEFORE
    assert looks.covers('write(5, "  Fi') == (0 < cut < len(REQUEST))
    assert looks.without([*REQUEST[cut:], *AFTER]) == AFTER


def test_stack_request_of_one_thread_hides_no_call_of_another() -> None:
    looks, other = StackRequests(), of(18910, AFTER)
    unfinished = of(18907, ['write(5, "  File ", 7 <unfinished ...>', "<... write resumed>)        = 7"])
    first, *rest = of(18907, REQUEST)
    assert looks.without([first, other[0], unfinished[0], other[1], unfinished[1], *rest, *of(18907, AFTER)]) == [
        *other,
        *of(18907, AFTER),
    ]


def test_stack_request_without_an_end_ends_with_the_next_call() -> None:
    assert StackRequests().without([*REQUEST[:3], *AFTER]) == AFTER


def test_stack_request_ends_although_thread_ids_appear() -> None:
    assert StackRequests().without([*REQUEST[:3], *of(18907, REQUEST[7:]), *AFTER]) == AFTER


@with_strace
def test_real_stack_request_is_left_out() -> None:
    with watched("asyncio") as server:
        (client,) = server.connect()
        client.settimeout(LIMIT)
        strace_view, stacks, seen = Strace(server.child.pid), server.child.stacks, list[str]()

        def took(words: str) -> bool:
            client.sendall(words.encode())
            assert client.recv(100)
            if calls := strace_view.read():
                seen.extend(calls.lines)
            return any(words in line for line in seen)

        eventually(lambda: took("before"), "strace is attached")
        assert stacks.ask(server.child.pid, [server.child.pid])
        eventually(stacks.read, "the stack")
        eventually(lambda: took("after"), "the server continues")
        assert not [line for line in seen if "SIGUSR1" in line or "rt_sigreturn" in line or ", line " in line], seen
        strace_view.stop()
        client.close()


@with_strace
@pytest.mark.parametrize(
    ("pattern", "call"), [("asyncio", "epoll_wait("), ("eventlet", "epoll_wait("), ("select-loop", "select")]
)
def test_call_that_a_loop_waits_in(pattern: str, call: str) -> None:
    with watched(pattern) as server:
        (client,) = server.connect()
        client.settimeout(LIMIT)
        strace_view = Strace(server.child.pid)
        seen: list[str] = []

        def shown() -> bool:
            client.sendall(b"hogehoge")
            assert client.recv(100)
            if calls := strace_view.read():
                assert calls.count >= len(calls.lines)
                seen.extend(calls.lines)
            return any(call in line for line in seen) and any("hogehoge" in line for line in seen)

        eventually(shown, f"{call} in {seen[-5:]}")
        strace_view.stop()
        client.sendall(b"still there")
        assert client.recv(100) == b"still there"
        client.close()


@with_strace
@pytest.mark.parametrize(("pattern", "call"), [("asyncio", "epoll_wait("), ("eventlet", "epoll_wait(")])
def test_call_of_an_idle_loop(pattern: str, call: str) -> None:
    """A call that has not returned is known by its begin, even if nothing ever happens."""
    with watched(pattern) as server:
        strace_view = Strace(server.child.pid)
        begun: list[str] = []

        def quiet() -> bool:
            if calls := strace_view.read():  # the loop may still be starting
                begun.append(calls.begun)
                return False
            return bool(begun) and begun[-1].startswith(call)

        eventually(quiet, f"a sample with nothing new since {call}")
        strace_view.stop()


@with_strace
def test_strace_ends_with_the_server() -> None:
    with watched("asyncio") as server:
        strace_view = Strace(server.child.pid)
        eventually(strace_view.read, "strace is attached")
        os.kill(server.child.pid, signal.SIGKILL)
        eventually(lambda: strace_view._process.poll() is not None, "the end of strace")
        strace_view.stop()


@with_strace
def test_missing_process_is_reported_by_strace() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    strace_view = Strace(gone.pid)
    said: list[str] = []

    def told() -> bool:
        if calls := strace_view.read():
            said.extend(calls.lines)
        return "No such process" in "".join(said)

    eventually(told, "the message of strace")
    strace_view.stop()
    assert not psutil.pid_exists(strace_view._process.pid)
