"""The client process never makes the dashboard wait, and never outlives it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from echo_servers.records import Note
from echo_tui.clients.commands import BURST_LIMIT
from echo_tui.clients.remote import BACKLOG, ClientProcess
from echo_tui.model.client_notes import ClientNote

from tests.clients.watching import LIMIT, server, watched_clients

HOLDER = """
import sys, time
from echo_tui.clients.remote import ClientProcess
client_process = ClientProcess()
client_process.open([1], "127.0.0.1", int(sys.argv[1]))
print(client_process.pid, flush=True)
time.sleep(60)
"""


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_gone(pid: int) -> None:
    end = time.monotonic() + LIMIT
    while not _gone(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_stop_ends_the_process_and_can_be_repeated() -> None:
    client_process = ClientProcess()
    pid = client_process.pid
    assert client_process.running
    client_process.stop()
    assert not psutil.pid_exists(pid)
    client_process.stop()
    assert not client_process.running
    assert not client_process.send([], b"x")
    assert not client_process.flush()


def test_stop_ends_a_process_that_does_not_react() -> None:
    client_process = ClientProcess()
    os.kill(client_process.pid, signal.SIGSTOP)
    client_process.stop()
    assert not psutil.pid_exists(client_process.pid)


def test_no_descriptor_leaks() -> None:
    ClientProcess().stop()
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        ClientProcess().stop()
    assert len(os.listdir("/dev/fd")) == before


def test_client_process_ends_with_its_parent() -> None:
    with server("asyncio") as port:
        command = [sys.executable, "-c", HOLDER, str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout
            pid = int(holder.stdout.readline())
            assert not _gone(pid)
            holder.kill()
        _wait_gone(pid)


def test_stopped_client_process_ends_with_its_parent_once_continued() -> None:
    with server("asyncio") as port:
        command = [sys.executable, "-c", HOLDER, str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout
            pid = int(holder.stdout.readline())
            time.sleep(0.3)
            os.kill(pid, signal.SIGSTOP)
            holder.kill()
        os.kill(pid, signal.SIGCONT)
        _wait_gone(pid)


def test_client_process_ends_at_the_end_of_its_input() -> None:
    events, write_end = os.pipe()
    command = [sys.executable, "-P", "-m", "echo_tui.clients", "--events", str(write_end)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(write_end,)) as process:
        os.close(write_end)
        assert process.stdin
        process.stdin.close()
        assert process.wait(LIMIT) == 0
    assert os.read(events, 10) == b""
    os.close(events)


@pytest.mark.parametrize(("number", "ends"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_client_process_ignores_sigint_but_not_sigterm(number: int, ends: bool) -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(1, port)
        os.kill(watched.client_process.pid, number)
        if ends:
            _wait_gone(watched.client_process.pid)
            assert not watched.client_process.running
        else:
            watched.client_process.send([], b"still here\n")
            watched.until(lambda: bool(watched.echoes()))


def test_invalid_command_is_answered_with_a_note() -> None:
    with watched_clients() as watched:
        watched.client_process.burst([], BURST_LIMIT + 1, 10)
        watched.until(lambda: bool(watched.seen))
        (note,) = watched.seen
        assert isinstance(note, Note)
        assert note.code == ClientNote.NOT_UNDERSTOOD
        assert watched.client_process.running


def test_queue_of_commands_is_bounded() -> None:
    with server("asyncio") as port, watched_clients() as watched:
        watched.open(1, port)
        os.kill(watched.client_process.pid, signal.SIGSTOP)
        taken = 0
        while watched.client_process.send(range(1, 2001), b"x"):
            taken += 1
        assert 0 < taken * 9000 < BACKLOG + 1024 * 1024
        assert not watched.client_process.flush()
        os.kill(watched.client_process.pid, signal.SIGCONT)
        watched.until(watched.client_process.flush)
        watched.until(lambda: len(watched.echoes()) > 0)
