"""Closed standard streams and too few descriptors or threads: one line if it can be written, and no traceback."""

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from echo_servers.descriptors import CLOSED, NO_THREADS, TOO_FEW

from tests.crossed import seldom
from tests.e2e.terminal import PATIENCE, Terminal, command
from tests.ports import free_port
from tests.servers.harness import eventually

SHORT_MATRIX = ("matrix", "--patterns", "asyncio", "--kinds", "sleep", "--seconds", "0.2")
SERVE = ("serve", "asyncio", "--port", "0")


def without(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for fd in descriptors:
            os.close(fd)

    return close


def limited(files: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def first(arguments: tuple[str, ...]) -> str:
    return arguments[0]


def run(*arguments: str, before: Callable[[], None]) -> subprocess.CompletedProcess[str]:
    line = [command(), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, preexec_fn=before, check=False)


@pytest.mark.parametrize("closed", [(0,), (2,), (0, 2)], ids=str)
@pytest.mark.parametrize(
    "arguments", seldom([("list",), ("--version",), ("--help",), SHORT_MATRIX], ("list",)), ids=first
)
def test_output_does_not_need_stdin_or_stderr(arguments: tuple[str, ...], closed: tuple[int, ...]) -> None:
    done = run(*arguments, before=without(*closed))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    "arguments",
    seldom([("list",), ("--version",), ("--help",), SHORT_MATRIX, SERVE], SHORT_MATRIX, SERVE),
    ids=lambda a: a[0],
)
def test_closed_stdout_is_reported(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, before=without(1))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert CLOSED in done.stderr or "stdout takes no more" in done.stderr
    assert run(*arguments, before=without(0, 1, 2)).returncode == 2


@pytest.mark.parametrize("pattern", ["asyncio", "process-pool", "uvloop", "multithread", "eventlet"])
@pytest.mark.parametrize("files", seldom([6, 12], 12))
def test_server_reports_too_few_descriptors(pattern: str, files: int) -> None:
    done = run("serve", pattern, "--port", "0", before=limited(files))
    assert (done.returncode, done.stderr) == (2, f"echo-tui: {TOO_FEW}\n")


def no_threads() -> None:
    """Set a stack size that no address space can hold (pthread_create(3) uses the soft limit): no thread can start."""
    resource.setrlimit(resource.RLIMIT_STACK, (2**47, resource.getrlimit(resource.RLIMIT_STACK)[1]))


@pytest.mark.skipif(
    sys.platform != "linux" or resource.getrlimit(resource.RLIMIT_STACK)[1] != resource.RLIM_INFINITY,
    reason="the limit of stacks can't be raised here",
)
@pytest.mark.parametrize("pattern", ["thread-pool", "process-thread-pool"])
def test_server_reports_once_that_no_thread_starts(pattern: str) -> None:
    done = run("serve", pattern, "--port", "0", "--workers", "3", before=no_threads)
    assert done.returncode == 2
    serving, *others = done.stderr.splitlines()
    assert serving.startswith("serving ")
    assert others == [f"echo-tui: {NO_THREADS}"]


@pytest.mark.parametrize("files", seldom([6, 12, 20], 12))
def test_matrix_reports_too_few_descriptors(files: int) -> None:
    done = run(*SHORT_MATRIX, before=limited(files))
    assert (done.returncode, done.stderr) == (2, f"echo-tui: {TOO_FEW}\n")


@pytest.mark.parametrize("files", seldom([6, 12, 20], 6, 20))
def test_dashboard_reports_too_few_descriptors(files: int, tmp_path: Path) -> None:
    line = ["/bin/sh", "-c", f'ulimit -n {files}; exec "$0" asyncio --port 0', command()]
    with Terminal(line, cwd=tmp_path) as terminal:
        words = TOO_FEW.split(":")[0].split()  # the screen may break a notice between any two words
        terminal.until(lambda: all(word in terminal.text for word in words), "the sentence")
        if files == 6:
            terminal.until(terminal.ended, "the end")
            assert terminal.code == 2
        assert not (tmp_path / "echo-tui" / "error.txt").exists()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd here")
def test_closed_stderr_is_not_reused_for_a_client() -> None:
    port = free_port()
    line = [sys.executable, "-m", "echo_servers", "single-thread", "--port", str(port)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, preexec_fn=without(0, 2)) as server:
        client = None

        def connected() -> bool:
            nonlocal client
            with contextlib.suppress(ConnectionError):
                client = socket.create_connection(("127.0.0.1", port))
            return client is not None

        eventually(connected, "the server listens")
        assert client
        assert server.stdout
        with client:
            client.settimeout(PATIENCE)
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            server.stdout.close()  # the next line can't be written: the server reports that and ends
            with contextlib.suppress(ConnectionError):
                client.sendall(b"again")
                assert client.recv(100) in (b"", b"again")
                assert client.recv(100) == b""
    assert server.returncode != 0


def test_quiet_server_needs_no_standard_stream() -> None:
    port = free_port()
    line = [command(), "serve", "asyncio", "--quiet", "--port", str(port)]
    with subprocess.Popen(line, preexec_fn=without(0, 1, 2)) as server:
        try:

            def echoes() -> bool:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                    client.sendall(b"hello")
                    return client.recv(100) == b"hello"
                return False

            eventually(echoes, "the server echoes")
        finally:
            server.terminate()


@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="it takes root to be another user")
@pytest.mark.parametrize("arguments", [("serve", "thread-pool", "--port", "0"), SHORT_MATRIX], ids=lambda a: a[0])
def test_too_few_threads_are_reported(arguments: tuple[str, ...]) -> None:
    """Runs as a user without other processes, who may read this checkout wherever it is."""
    capabilities = "+dac_read_search,+dac_override"
    user = ["setpriv", "--reuid", "64999", "--clear-groups", "--inh-caps", capabilities, "--ambient-caps", capabilities]
    line = [*user, command(), *arguments]
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)),
        check=False,
    )
    assert done.returncode == 2
    assert "the system starts no more processes or threads" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
