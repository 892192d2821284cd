"""Standalone servers: the article's lines on stdout, unbuffered and complete, and no traceback at a broken pipe."""

import contextlib
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from echo_servers.ending import BROKEN_PIPE, FAILED

from tests.crossed import seldom
from tests.servers.harness import DIFFERENT, ONE_AT_A_TIME, POOLS, QUICK, SERVING, Starter, eventually
from tests.servers.talk import ask, close, is_silent, name, reset, together

LINE = re.compile(
    r"(New client: A|Bye-Bye: A|Recv: b'(\\x00)*' from A|Send: b'(\\x00)*' to A)".replace("A", r"[\d.:]+")
)


@pytest.mark.parametrize("pattern", seldom(SERVING, *DIFFERENT))
def test_lines_of_the_article(start: Starter, pattern: str) -> None:
    """Each line arrives while the server waits, with stdout a pipe and PYTHONUNBUFFERED unset."""
    server = start(pattern, printed=True)
    with server.connect() as client:
        peer = name(client)
        said = [f"New client: {peer}"]
        eventually(lambda: server.out.lines == said, "New client")
        for message in (b"hogehoge\n", b"\xff\x00'\n"):
            ask(client, message)
            said += [f"Recv: {message!r} from {peer}", f"Send: {message!r} to {peer}"]
            eventually(lambda: server.out.lines == said, "Recv and Send")  # noqa: B023
    said += [f"Bye-Bye: {peer}"]
    eventually(lambda: server.out.lines == said, "Bye-Bye")
    client = server.connect()
    ask(client)
    reset(client)
    eventually(lambda: server.out.text.count("Bye-Bye") == 2, "Bye-Bye after a reset")
    assert server.err.lines == [f"serving 127.0.0.1:{server.port}, Ctrl-C ends it"]


def test_block_is_announced_as_in_the_article(start: Starter) -> None:
    server = start("asyncio-blocking", "--block", "0.01", printed=True, page=False)
    with server.connect() as client:
        ask(client)
        eventually(lambda: "Send" in server.out.text, "Send")
    assert [line.split(":")[0] for line in server.out.lines[:4]] == ["New client", "Recv", "Go to sleep...", "Send"]


@pytest.mark.parametrize("pattern", ["multithread", "thread-pool", "process-pool", "process-thread-pool"])
def test_lines_of_several_workers_do_not_interleave(start: Starter, pattern: str) -> None:
    """Not even lines longer than PIPE_BUF, in a pipe that is mostly full."""
    clients, messages = 4, 150
    server = start(pattern, "--workers", str(clients), printed=True)

    def chatter() -> None:
        with server.connect() as client:
            for size in (1024, 60) * (messages // 2):
                ask(client, bytes(size))

    with together(*[chatter] * clients):
        eventually(lambda: server.out.text.count("Bye-Bye") == clients, "all have been served")
    assert [line for line in server.out.lines if not LINE.fullmatch(line)] == []
    assert len(server.out.lines) == clients * (2 * messages + 2)


@pytest.mark.parametrize("pattern", seldom(SERVING, *QUICK))
def test_closed_stdout_ends_the_server_with_one_line(start: Starter, pattern: str) -> None:
    server = start(pattern, printed=True)
    client = server.connect()
    eventually(lambda: server.out.lines, "the first line")
    assert server.process.stdout
    server.process.stdout.close()
    with contextlib.suppress(ConnectionError):
        client.sendall(b"one more")
    assert server.ended() == BROKEN_PIPE
    client.close()
    assert server.err.to_the_end().splitlines()[1:] == ["nobody reads the lines any more"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("pattern", ["multithread", "thread-pool", "process-pool", "asyncio", "eventlet"])
def test_full_stdout_ends_the_server_with_its_error(pattern: str) -> None:
    """Whichever worker prints, this is not reported as a broken pipe."""
    command = [sys.executable, "-m", "echo_servers", pattern, "--port", "0"]
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(command, stdout=full, stderr=subprocess.PIPE, text=True) as server,
    ):
        assert server.stderr
        port = int(server.stderr.readline().split(":")[1].split(",")[0])
        with socket.create_connection(("127.0.0.1", port)):
            said = server.stderr.read().splitlines()
    assert (server.returncode, said) == (FAILED, ["stdout takes no more: No space left on device"])


@pytest.mark.parametrize("pattern", ["single-thread", "multithread", "asyncio"])
def test_unread_stdout_stops_the_server(start: Starter, pattern: str) -> None:
    """As the article says; reading continues the server, and no line is lost."""
    server = start(pattern, printed=True)
    with server.connect() as client:
        client.settimeout(0.3)
        echoes = 0
        with contextlib.suppress(TimeoutError):
            while echoes < 10_000:
                client.sendall(bytes(100))
                client.recv(100)
                echoes += 1
        assert echoes < 10_000
        assert is_silent(client)
        eventually(lambda: server.out.text.count("Send: ") == echoes + 1, "every line")
        assert client.recv(100) == bytes(100)


@pytest.mark.parametrize("pattern", sorted({*ONE_AT_A_TIME, *POOLS}))
def test_lines_show_who_is_served(start: Starter, pattern: str) -> None:
    server = start(pattern, "--workers", "1", printed=True)
    count = 11 if pattern == "process-thread-pool" else 2
    clients = server.clients(count)
    for client in clients[:-1]:
        ask(client)
    assert name(clients[-1]) not in server.out.text
    close(clients[:-1])
    eventually(lambda: f"New client: {name(clients[-1])}" in server.out.text, "the last one's turn")
    close(clients)


@pytest.mark.parametrize(
    "arguments", [("\x1b[31m\u202e",), ("asyncio", "--host", "\x1b\u202e"), ("asyncio", "--\x1b\u202e")]
)
def test_control_characters_are_escaped_in_errors(arguments: tuple[str, ...]) -> None:
    line = [sys.executable, "-m", "echo_servers", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.removesuffix("\n").isprintable()
