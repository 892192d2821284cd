"""Installed into an empty environment, the command works from anywhere, also beside folders of the same names."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("wheel")
    venv.create(home, with_pip=True)
    environment = {**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    subprocess.run([home / "bin" / "python", "-m", "pip", "install", "--quiet", str(ROOT)], env=environment, check=True)
    return home / "bin" / "echo-tui"


@pytest.mark.timeout(300)
def test_among_folders_of_the_same_names(installed: Path, tmp_path: Path) -> None:
    for name in ("app", "servers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')")
    said = subprocess.run([installed, "list"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "single-thread" in said.stdout
    with Terminal(
        [str(installed), "eventlet", "--port", str(free_port()), "--clients", "2"], width=120, cwd=tmp_path
    ) as terminal:
        terminal.shows("serving")
        terminal.until(lambda: "2 open" in terminal.text, "both clients")
        terminal.press("\x03")
        terminal.shows("Quit?")
        terminal.press("y")
        terminal.until(terminal.ended, "the end")
        assert terminal.code == 0


def test_the_sources_shown_are_installed(installed: Path) -> None:
    python = installed.with_name("python")
    check = "from servers.catalog import PATTERNS; assert all(p.source.read_text() for p in PATTERNS)"
    subprocess.run([python, "-P", "-c", check], check=True, cwd=sys.prefix)
