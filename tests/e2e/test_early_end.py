"""Ctrl-C during startup or after the end: a suitable exit code, and no traceback."""

import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

WHILE_IT_IMPORTS = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from echo_tui.__main__ import main
main()
"""
BEFORE_IT_DRAWS = """
import os, signal
from echo_tui.tui import dashboard as app
def interrupted(keys, read=app.read_config):
    os.kill(os.getpid(), signal.SIGINT)
    return read(keys)
app.read_config = interrupted
from echo_tui.__main__ import main
main()
"""
ONCE_IT_IS_OVER = """
import os, signal
from echo_tui.tui import dashboard as app
def interrupted(self, run=app.EchoTui.run):
    code = run(self)
    os.kill(os.getpid(), signal.SIGINT)
    return code
app.EchoTui.run = interrupted
app.EchoTui.begin = lambda self: self.exit(0)
from echo_tui.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("program", "codes"),
    [(WHILE_IT_IMPORTS, {-signal.SIGINT}), (BEFORE_IT_DRAWS, {130}), (ONCE_IT_IS_OVER, {0, 130})],
    ids=["while it imports", "before it draws", "once it is over"],
)
def test_ctrl_c_during_startup_and_shutdown(program: str, codes: set[int], tmp_path: Path) -> None:
    with Terminal([sys.executable, "-P", "-c", program], cwd=tmp_path) as terminal:
        terminal.until(terminal.ended, "the end")
        for _ in range(5):
            terminal.read()
        assert terminal.code in codes
        assert b"Traceback" not in terminal.last
