"""A server whose lines can't be printed any more ends as a whole: one line on stderr, and an exit code of its own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.ports import is_free
from tests.servers.harness import PATIENCE, SERVING, Starter, eventually
from tests.servers.talk import ask

SERVER = (sys.executable, "-m", "echo_servers")
COMMAND = (sys.executable, "-m", "echo_tui", "serve")
CLIENTS = 4
"""So many that all the workers print at once."""


@contextlib.contextmanager
def printing_to(
    stdout: int, pattern: str, command: tuple[str, ...] = SERVER
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that prints to this descriptor, and its port; nothing of it stays."""
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
    """Have clients connect and send all at once; the server may end under their hands."""
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
    """Wait for the end of all its processes (the last one closes the pipe); give the exit code and what it said."""
    _, said = process.communicate(timeout=PATIENCE)
    eventually(lambda: is_free(port), "the port is free")
    return process.returncode, said


def lost(pattern: str, command: tuple[str, ...] = SERVER) -> tuple[int, str]:
    """Start a server whose reader goes away before the first line."""
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


@pytest.mark.parametrize("pattern", SERVING)
def test_a_server_whose_reader_has_gone_ends_like_a_program_in_a_pipe(pattern: str) -> None:
    assert lost(pattern) == (141, "nobody reads the lines any more\n")


@pytest.mark.parametrize("pattern", ["single-thread", "process-pool"])
def test_the_command_does_the_same(pattern: str) -> None:
    assert lost(pattern, COMMAND) == (141, "nobody reads the lines any more\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("pattern", SERVING)
def test_a_server_whose_stdout_is_full_has_failed(pattern: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with printing_to(full, pattern) as (process, port):
            talk(port)
            assert end_of(process, port) == (1, "stdout takes no more: No space left on device\n")
    finally:
        os.close(full)


@pytest.mark.parametrize("pattern", ["asyncio", "process-thread-pool"])
def test_a_watched_server_that_prints_ends_so_too(start: Starter, pattern: str) -> None:
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
