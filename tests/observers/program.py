"""Python programs that a test writes and starts, to be sampled."""

import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]


class Program:
    """A Python program that prints a line when it is ready, and then does something known."""

    def __init__(self, text: str, pass_fds: Sequence[int] = ()) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(text)], pass_fds=pass_fds, stdout=subprocess.PIPE, cwd=ROOT
        )
        self.pid = self.process.pid
        self.first = self.line().split()

    def line(self) -> bytes:
        """Return the next line that the program prints."""
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


P = TypeVar("P", bound=Program)


@contextlib.contextmanager
def starting(kind: Callable[[str], P]) -> Iterator[Callable[[str], P]]:
    """Yield a function that starts programs; all of them are ended afterwards."""
    with contextlib.ExitStack() as all_of_them:

        def start(text: str) -> P:
            program = kind(text)
            all_of_them.callback(program.end)
            return program

        yield start
