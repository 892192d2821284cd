"""Keys that arrive in one write have the same effect as single keys: they go to the input or dialog just opened."""

from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, command


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        pytest.param("aihello there\r", "b'hello there\\n'", id="input", marks=pytest.mark.slow),
        pytest.param("i\x1b[200~pasted words\x1b[201~\r", "b'pasted words\\n'", id="paste"),
        pytest.param("N3\r", "5 clients", id="clients", marks=pytest.mark.slow),
        pytest.param("al7\r", "2 send 14 a second", id="load", marks=pytest.mark.slow),
        pytest.param("Bcpu:0.3\r", "cpu", id="block", marks=pytest.mark.slow),
        pytest.param("?qaione more\r", "b'one more\\n'", id="help", marks=pytest.mark.slow),
        pytest.param("N3\rai3 more\r", "b'3 more\\n'", id="after a dialog"),
        pytest.param("ifirst\rsecond\r", "b'second\\n'", id="two lines", marks=pytest.mark.slow),
    ],
)
def test_typing_ahead_loses_no_key(typed: str, shown: str, tmp_path: Path) -> None:
    with Terminal([command(), "asyncio", "--port", "0", "--clients", "2"], 160, 45, cwd=tmp_path) as terminal:
        terminal.shows("2 open")
        terminal.press(typed)
        terminal.shows(shown)
