"""The article's programs, extracted from its text, watched while clients talk to them."""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.attach.conftest import LIMIT, Watch
from tests.attach.watching import Peer
from tests.ports import free_port, is_free

ARTICLE = Path(__file__).parents[3] / "shared" / "article.ja.txt"
PROGRAM = re.compile(
    r"^#!/usr/bin/env python\n.*?^if __name__ == '__main__':\n    main\(\)\n", re.MULTILINE | re.DOTALL
)
PORT = "37564"
PROGRAMS = PROGRAM.findall(ARTICLE.read_text(encoding="utf-8")) if ARTICLE.exists() else []
STALLS = "time.sleep"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence"),
    pytest.mark.skipif(not PROGRAMS, reason="the article is not beside this checkout"),
]


@pytest.fixture
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Run one of the programs on a free port; yield its source and the port."""
    source, port = PROGRAMS[request.param], free_port()
    path = tmp_path / "program.py"
    path.write_text(source.replace(PORT, str(port)), encoding="utf-8")
    quiet = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, str(path)], stdout=quiet, stderr=quiet) as process:
        try:
            end = time.monotonic() + LIMIT / 10
            while is_free(port):
                if time.monotonic() > end or process.poll() is not None:
                    pytest.skip("it listens nowhere")
                time.sleep(0.02)
            yield source, port
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()


@pytest.mark.parametrize("serving", range(len(PROGRAMS)), indirect=True)
def test_program_of_the_article_is_watched(serving: tuple[str, int], watch: Watch) -> None:
    source, port = serving
    watched = watch(f":{port}", "--stall-after", "300")
    first, other = Peer(port), Peer(port)
    blocks = STALLS in source and "asyncio" in source
    first.say(b"hello\n")
    if blocks:
        time.sleep(0.1)
        other.say(b"hello\n")
        stall = watched.until(lambda line: line["type"] == "stall" and (line["culprit"] or {}).get("line"))
        line = source.splitlines()[stall["culprit"]["line"] - 1]
        assert STALLS in line
    first.hear()
    watched.until(lambda line: line["type"] == "new" and line["peer"] == first.name)
    watched.until(lambda line: line["type"] == "recv")
    first.close()
    other.close()
