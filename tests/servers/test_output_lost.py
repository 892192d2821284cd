"""A server that can't print ends with all its processes, one line on stderr and its own exit code."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.crossed import seldom
from tests.ports import is_free
from tests.servers.harness import PATIENCE, QUICK, SERVING, Starter, eventually
from tests.servers.talk import ask

SERVER = (sys.executable, "-m", "echo_servers")
COMMAND = (sys.executable, "-m", "echo_tui", "serve")
CLIENTS = 4
"""Enough clients for all workers to print at once."""


@contextlib.contextmanager
def printing_to(
    stdout: int, pattern: str, command: tuple[str, ...] = SERVER
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield a server that prints to this descriptor, and its port; kill all its processes afterwards."""
    with subprocess.Popen(
        [*command, pattern, "--port", "0", "--workers", str(CLIENTS)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr
        try:
            line = process.stderr.readline()
            found = re.fullmatch(r"serving .*:(\d+), Ctrl-C ends it\n", line)
            assert found, line
            yield process, int(found[1])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def talk(port: int) -> None:
    """Let clients connect and send at once; the server may end meanwhile."""
    clients = [socket.socket() for _ in range(CLIENTS)]
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        for client in clients:
            stack.enter_context(client)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", port))
        for client in clients:
            client.sendall(b"hogehoge\n")
        for client in clients:
            while client.recv(100):
                pass


def end_of(process: subprocess.Popen[str], port: int) -> tuple[int, str]:
    """Wait for the end of all its processes (the last one closes the pipe); return the exit code and stderr."""
    _, said = process.communicate(timeout=PATIENCE)
    eventually(lambda: is_free(port), "the port is free")
    return process.returncode, said


def lost(pattern: str, command: tuple[str, ...] = SERVER) -> tuple[int, str]:
    """Start a server whose reader closes the pipe before the first line."""
    reader, writer = os.pipe()
    try:
        with printing_to(writer, pattern, command) as (process, port):
            os.close(writer)
            writer = -1
            os.close(reader)
            reader = -1
            talk(port)
            return end_of(process, port)
    finally:
        for fd in (reader, writer):
            if fd >= 0:
                os.close(fd)


@pytest.mark.parametrize("pattern", seldom(SERVING, *QUICK))
def test_broken_pipe_ends_the_server_like_sigpipe(pattern: str) -> None:
    assert lost(pattern) == (141, "nobody reads the lines any more\n")


@pytest.mark.parametrize("pattern", ["single-thread", "process-pool"])
def test_command_ends_in_the_same_way(pattern: str) -> None:
    assert lost(pattern, COMMAND) == (141, "nobody reads the lines any more\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("pattern", seldom(SERVING, *QUICK))
def test_full_stdout_ends_the_server_with_an_error(pattern: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with printing_to(full, pattern) as (process, port):
            talk(port)
            assert end_of(process, port) == (1, "stdout takes no more: No space left on device\n")
    finally:
        os.close(full)


@pytest.mark.parametrize("pattern", ["asyncio", "process-thread-pool"])
def test_broken_pipe_ends_a_reporting_server_too(start: Starter, pattern: str) -> None:
    server = start(pattern, "--print")
    with server.connect() as client:
        ask(client)
        assert server.process.stdout
        server.process.stdout.close()
        with contextlib.suppress(ConnectionError):
            client.sendall(b"hogehoge\n")
            client.recv(100)
    assert server.ended() == 141
    assert server.err.to_the_end() == "nobody reads the lines any more\n"
