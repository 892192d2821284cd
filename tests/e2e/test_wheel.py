"""The command installed from a wheel into an empty environment works in any directory."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.crossed import seldom
from tests.e2e.terminal import Terminal
from tests.e2e.terminal import command as checkout
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=seldom(["here", "downloaded"], "here"))
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of an environment with our wheel only, and the libraries of this environment or its own."""
    home = tmp_path_factory.mktemp("wheel")
    venv.create(home)
    environment = {**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "-w", home, str(ROOT)], env=environment, check=True)
    (wheel,) = home.glob("echo_tui-*.whl")
    libraries = ["--no-deps"] if request.param == "here" else ["--no-compile"]
    subprocess.run([*pip, "install", "--quiet", *libraries, wheel], env=environment, check=True)
    if request.param == "here":
        (packages,) = home.glob("lib/python*/site-packages")
        (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))  # a .pth in there is not read
    return home / "bin" / "echo-tui"


def test_wheel_has_two_packages_and_the_licence(installed: Path) -> None:
    (wheel,) = installed.parents[1].glob("echo_tui-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"echo_tui", "echo_servers"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def blame_of_one_cell(echo_tui: str, cwd: Path, **environment: str) -> dict[str, str]:
    cell = ["matrix", "--patterns", "asyncio", "--kinds", "sleep", "--seconds", "0.6", "--json"]
    run = subprocess.run(
        [echo_tui, *cell], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    blame: dict[str, str] = json.loads(run.stdout)["cells"][0]["blame"]
    return blame


@pytest.mark.timeout(120)
def test_installed_copy_blames_the_same_line_as_the_checkout(installed: Path, tmp_path: Path) -> None:
    there, here = (blame_of_one_cell(each, tmp_path) for each in (str(installed), checkout()))
    assert there["where"] == here["where"] != ""


@pytest.mark.timeout(120)
def test_other_packages_on_the_path_do_not_interfere(installed: Path, tmp_path: Path) -> None:
    for name in ("app", "servers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')")
    assert blame_of_one_cell(str(installed), Path("/"), PYTHONPATH=str(tmp_path))["where"]


@pytest.mark.timeout(300)
def test_directories_with_the_same_names_do_not_interfere(installed: Path, tmp_path: Path) -> None:
    for name in ("app", "servers", "echo_tui", "echo_servers"):
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


def test_sources_of_all_patterns_are_installed(installed: Path) -> None:
    python = installed.with_name("python")
    check = "from echo_servers.catalog import PATTERNS; assert all(p.source.read_text() for p in PATTERNS)"
    subprocess.run([python, "-P", "-c", check], check=True, cwd=sys.prefix)
