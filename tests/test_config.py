"""The configuration file: its settings, and a one-sentence error for every mistake."""

import os
import pty
import subprocess
from pathlib import Path

import pytest
from echo_servers.server import BadRequest
from echo_tui.config import Config, config_path, read_config

from tests.test_cli import COMMAND, LIMIT, echo_tui, refusal

KNOWN = {"freeze": "p", "quit": "q"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("ECHO_TUI_CONFIG", str(path))
    return path


def test_configuration_is_read_from_the_configured_path(config: Path) -> None:
    assert config_path() == config
    assert read_config(KNOWN) == Config()
    config.write_bytes('theme = "dämmerung"\n[keys]\nfreeze = "z"\n'.encode())
    assert read_config(KNOWN) == Config("dämmerung", {"freeze": "z"})
    config.write_text('[keys]\nfreeze = "q"\nquit = "p"\n')
    assert read_config(KNOWN).keys == {"freeze": "q", "quit": "p"}, "two keys may be swapped"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("theme = ", "Invalid value"),
        ("\xff", "utf-8"),
        ("theme = 3", "theme takes a name"),
        ("keys = 3", "[keys] takes lines such as"),
        ("[keys]\nfreeze = 3", "[keys] takes lines such as"),
        ('[keys]\nfreze = "z"', "unknown key id 'freze': choose from freeze, quit"),
        ('[keys]\nfreeze = "q"', "key 'q' would do both 'freeze' and 'quit': give one of them another"),
        ('[keys]\nfreeze = "z"\nquit = "x, z"', "key 'z' would do both 'freeze' and 'quit'"),
        ("colour = 3", "unknown setting 'colour': there are theme, stall_after, scenes and [keys]"),
        ("scenes = 3", "scenes takes a list such as"),
        ("scenes = [{note = 'x'}]", "scenes takes a list such as"),
        ("scenes = [{pattern = 'list', recording = 3}]", "scenes takes a list such as"),
        ("scenes = [{pattern = 'asyncio', recording = '~no-such-user/a'}]", "scenes: recording '~no-such-user/a': "),
        (f"scenes = [{{pattern = 'asyncio', recording = '{'a' * 5000}'}}]", "scenes: recording 'aaa"),
        ("scenes = [{pattern = 'asyncio', recording = 'nowhere.jsonl'}]", "scenes: no recording"),
        ("scenes = ['lst']", "scenes: unknown pattern 'lst'"),
        ("stall_after = 3", "stall_after takes whole milliseconds from 50 to 60,000"),
        ("stall_after = true", "stall_after takes whole milliseconds from 50 to 60,000"),
    ],
)
def test_mistake_is_reported_in_one_line_with_the_file_name(config: Path, text: str, sentence: str) -> None:
    config.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadRequest) as refused:
        read_config(KNOWN)
    assert str(refused.value).startswith(f"{config}: ")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_unreadable_configuration_is_reported(config: Path) -> None:
    config.mkdir()
    with pytest.raises(BadRequest, match="Is a directory"):
        read_config(KNOWN)


HOSTILE = {
    "deep": b"x = " + b"[" * 60_000,
    "large": b"#" * (64 * 1024 + 1),
    "dotted": b"\n".join(b"a%d.b = 1" % number for number in range(6_000)),
    "binary": b'theme = "\xff"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_configuration_gives_a_short_error(config: Path, text: bytes) -> None:
    config.write_bytes(text)
    with pytest.raises(BadRequest) as refused:
        read_config(KNOWN)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("kind", ["device", "fifo"])
def test_only_a_regular_file_is_read(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("/dev/zero")
    if kind == "fifo":
        os.mkfifo(path := tmp_path / "fifo")
    monkeypatch.setenv("ECHO_TUI_CONFIG", str(path))
    with pytest.raises(BadRequest, match="not a regular file"):
        read_config(KNOWN)


def test_control_characters_are_escaped_in_errors() -> None:
    assert refusal(echo_tui("serve", "\x1b[31mred\u202e")).isprintable()


@pytest.mark.parametrize("text", ["theme = ", '[keys]\nfreze = "z"'])
def test_dashboard_refuses_an_invalid_configuration(config: Path, text: str) -> None:
    config.write_text(text)
    ours, terminal = pty.openpty()
    run = subprocess.run(COMMAND, stdin=terminal, stdout=terminal, stderr=terminal, timeout=LIMIT, check=False)
    os.close(terminal)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert run.returncode == 2
    assert shown.startswith(f"echo-tui: {config}: ")
    assert (shown.count("\n"), "\x1b" in shown) == (1, False)


def test_null_device_is_an_empty_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_TUI_CONFIG", os.devnull)
    assert read_config(KNOWN) == Config()
