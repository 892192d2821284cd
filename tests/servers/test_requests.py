"""Invalid requests end with one line on stderr and exit code 2."""

import ctypes
import json
import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import BY_NAME, PATTERNS, find
from echo_servers.patterns import poll_loop
from echo_servers.server import BadRequest, Server

from tests.crossed import seldom, seldom_cases
from tests.servers.harness import QUICK

BAD = [
    (["multithred"], r"unknown pattern 'multithred': did you mean 'multithread'\?"),
    (["zzz"], r"unknown pattern 'zzz': choose from single-thread, multithread, .*, eventlet.*"),
    (["asyncio", "--port", "70000"], r"port 70000 is out of range: choose 1 to 65535, or 0 for any free one"),
    (["asyncio", "--port", "-1"], r"port -1 is out of range.*"),
    (["asyncio", "--port", "abc"], r"argument --port: invalid int value: 'abc'"),
    (["thread-pool", "--workers", "0"], r"--workers must be at least 1, not 0"),
    (["process-pool", "--workers", "-3"], r"--workers must be at least 1, not -3"),
    (["process-loops", "--share", "evenly"], r"argument --share: invalid choice: 'evenly' .*reuseport.*"),
    (["too-many-threads", "--ceiling", "0"], r"--ceiling must be at least 1, not 0"),
    (["asyncio", "--host", "no such host"], r"host 'no such host' does not resolve"),
    (["asyncio", "--host", "a..b"], r"host 'a..b' does not resolve"),
    (["asyncio", "--host", "192.0.2.1"], r"192.0.2.1 is not an address of this machine"),
    (["asyncio", "--block", "nap:1"], r"argument --block: unknown kind of block 'nap': choose from sleep.*"),
    (
        ["asyncio", "--block", "sleep:x"],
        r"argument --block: 'sleep:x' is not KIND:SECONDS, such as sleep:2, or sleep:2/10; "
        "kinds: sleep, c-call, cpu, c-gil",
    ),
    (["asyncio", "--block", "0"], r"argument --block: a block lasts 0.001 to 60 seconds, not 0"),
    (["asyncio", "--print", "--quiet"], r"--print and --quiet exclude each other"),
    (["asyncio", "--colour", "red"], r"unrecognized arguments: --colour red"),
    ([], r"the following arguments are required: pattern"),
]


def refuses(command: list[str], expected: str, prepare: Callable[[], None] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=20, check=False, preexec_fn=prepare
    )
    assert re.fullmatch(rf"python -m echo_servers: {expected}\n", done.stderr), done.stderr
    assert done.returncode == 2
    assert done.stdout == ""


ALL_IN_ONE = """
import contextlib, io, json, sys
from echo_servers.command import main
refused = []
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            refused.append((end.code, out.getvalue(), err.getvalue()))
print(json.dumps(refused))
"""


def test_invalid_arguments() -> None:
    """All of them in one process, since to start one takes longer than to refuse them."""
    words = json.dumps([arguments for arguments, _ in BAD])
    done = subprocess.run([sys.executable, "-c", ALL_IN_ONE, words], capture_output=True, timeout=20, check=True)
    for (arguments, expected), (code, out, err) in zip(BAD, json.loads(done.stdout), strict=True):
        assert (code, out) == (2, ""), arguments
        assert re.fullmatch(rf"python -m echo_servers: {expected}\n", err), err


@pytest.mark.parametrize(("arguments", "expected"), seldom_cases(BAD, BAD[0], BAD[9]))
def test_command_refuses_invalid_arguments(arguments: list[str], expected: str) -> None:
    refuses(["-m", "echo_servers", *arguments], expected)


LISTENING = [pattern.name for pattern in PATTERNS if pattern.name != "too-many-threads"]


@pytest.mark.parametrize("pattern", seldom(LISTENING, *QUICK))
def test_port_in_use_names_its_process(pattern: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = occupant.getsockname()[1]
        owner = rf"in use by \S+, process {os.getpid()}: end that, or choose another with --port"
        refuses(["-m", "echo_servers", pattern, "--port", str(port)], f"port {port} is {owner}")


def without_privileged_ports() -> None:
    """Drop CAP_NET_BIND_SERVICE (prctl(2), PR_CAPBSET_DROP), so that root can't bind privileged ports."""
    if os.getuid() == 0:
        ctypes.CDLL(None).prctl(24, 10, 0, 0, 0)


def test_privileged_port() -> None:
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as first:
            if int(first.read()) <= 1:
                pytest.skip("every port is free for all on this machine")
    except OSError:
        pytest.skip("this system does not say which ports are privileged")
    expected = "port 1 is privileged: choose one from 1024 on with --port"
    refuses(["-m", "echo_servers", "asyncio", "--port", "1"], expected, without_privileged_ports)


def test_system_without_poll_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")
    with pytest.raises(BadRequest, match="this system has no poll: choose epoll-loop"):
        poll_loop.serve(Server())


def test_each_pattern_is_found_by_name() -> None:
    assert len(PATTERNS) == len(BY_NAME)
    for pattern in PATTERNS:
        assert find(pattern.name) is pattern
        assert "def serve(server: Server)" in pattern.source.read_text()


@pytest.mark.parametrize("typed", ["mutlithread", "threadpool", "asyncio_blocking", "event-let", "Busy-Loop"])
def test_misspelled_name_suggests_the_nearest(typed: str) -> None:
    with pytest.raises(BadRequest, match="did you mean"):
        find(typed)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("sleep:2", BlockSetting("sleep", 2.0)),
        ("0.5", BlockSetting("sleep", 0.5)),
        ("3", BlockSetting("sleep", 3.0)),
        ("sleep:60", BlockSetting("sleep", 60.0)),
    ],
)
def test_block_setting_is_parsed(text: str, setting: BlockSetting) -> None:
    assert BlockSetting.parse(text) == setting


@pytest.mark.parametrize("text", ["", "sleep", "sleep:", "nap:1", "sleep:nan", "sleep:inf", "61", "-1", "sleep:1:2"])
def test_invalid_block_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        BlockSetting.parse(text)
