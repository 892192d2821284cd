"""Fixtures that start foreign servers, each in its own process, and watch them with `echo-tui watch`."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.attach.watching import Foreign, Watched
from tests.e2e.terminal import command
from tests.ports import free_port, is_free

LIMIT = 30.0
INTERPRETERS = {".js": "node", ".java": "java", ".go": "go"}
"""The interpreter or compiler for servers that are not written in Python, by file suffix."""
Start = Callable[..., Foreign]
Watch = Callable[..., Watched]


def built(compiler: str, source: str, folders: pytest.TempPathFactory) -> str:
    """Build a Go source file once per test session and return the path of the program."""
    program = folders.getbasetemp() / Path(source).stem
    if not program.exists():
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GO111MODULE": "off"}  # download nothing
        subprocess.run([compiler, "build", "-o", str(program), source], check=True, env=environment)
    return str(program)


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts one of the foreign servers in this directory and waits until it listens."""
    with ExitStack() as stack:

        def started(script: str, *arguments: str, port: int = 0) -> Foreign:
            port = port or free_port()
            name = INTERPRETERS.get(Path(script).suffix)
            interpreter = shutil.which(name) if name else sys.executable
            if interpreter is None:
                pytest.skip(f"{name} is not installed here")
            line = [interpreter, str(Path(__file__).with_name(script)), str(port), *arguments]
            if script.endswith(".go"):
                line = [built(interpreter, line[1], tmp_path_factory), *line[2:]]
            process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            until = time.monotonic() + LIMIT
            while is_free(port):
                assert time.monotonic() < until, "the server does not listen"
                time.sleep(0.02)
            return Foreign(process.pid, port)

        yield started


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Return a function that watches a target and waits for its first socket sample."""
    with ExitStack() as stack:

        def watched(target: str, *options: str) -> Watched:
            line = [command(), "watch", target, "--json", *options]
            environment = {**os.environ, "ECHO_TUI_CONFIG": os.devnull}
            process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
            stack.callback(process.wait)
            stack.callback(process.kill)
            found = Watched(process)
            found.until(lambda each: each["type"] == "sockets")
            return found

        yield watched


def decoded(line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found
