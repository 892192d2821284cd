"""Random keys, bytes and clicks sent to the real dashboard in a pseudo-terminal: `make fuzz-keys`.

The steps depend only on `--seed`. A dashboard that ends with an exit code in LEFT was asked to quit (a click on quit,
a command of the palette) and is started again; any other end is a fault.
"""

import argparse
import os
import random
import select
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.terminal import Terminal, command

PLAIN = [*"bBnNilucramfptswxodgeEzR?.,+-[]123456789 ", "\t", "\r", "\x1b", "\x7f", "\x10", "\x13"]
ARROWS = ["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z"]
BURSTS = [
    "B\r\r", "l\r\r", "N\r\r", "u\r\r", "\x10\r\r", "\x10\x1b[6~", "mss", "msh", "mff", "m\r\r", "ms\x03", "?\x1b\x1b",
    "?qn", "an ihello\r\x1b", "aihello\r\x1b", "w\x1b\x1b", "q\x1bn", "\x03n", "f\x1b\x1b", "\x10\x1b\x1b", "qnn",
    "?\x1b[C\x1b[C\x1b[D\x1b", "gEz", "eE.", "zz.E",
]  # fmt: skip
GARBAGE = [
    b"\xff", b"\xe9q\x1b", b"\x1b[M\xa0\xf0\xff", b"\xc3", b"\x80\x80", b"\x1b[200~caf\xe9\x1b[201~", b"\xf0\x9f",
    b"\x1b[<", b"\x1b[99999;1R", b"\x00", b"\x1b]0;x\x07", b"\x1b[?2048;1$y", b"\x1b_G\x1b\\", b"\xed\xa0\x80",
]  # fmt: skip
LAST = 12
WIDTH, HEIGHT = 100, 30
LEFT = (0, 130, -signal.SIGINT)
"""Exit codes of a requested end; Ctrl-C after the terminal is restored gives SIGINT."""
COME_UP = 20.0
"""Seconds for a dashboard to take over the terminal; before that, Ctrl-C ends the interpreter during startup."""
TAKEN_OVER = b"\x1b[?1049h"
"""What a program writes to switch to the alternate screen (xterm, DECSET 1049)."""


@dataclass
class Outcome:
    """The result of a run: steps played, starts of the dashboard, and the fault if there was one."""

    steps: int = 0
    starts: int = 0
    fault: str = ""
    last: deque[bytes] = field(default_factory=lambda: deque(maxlen=LAST))


def steps(seed: int) -> Iterator[tuple[bytes, float]]:
    """Yield what to type and the seconds to wait afterwards, endlessly."""
    chance = random.Random(seed)
    while True:
        kind = chance.random()
        if kind < 0.45:
            data = "".join(chance.choices(PLAIN + ARROWS, k=chance.choice((1, 1, 1, 2, 3)))).encode()
        elif kind < 0.7:
            data = chance.choice(BURSTS).encode()
        elif kind < 0.8:
            data = chance.choice(GARBAGE)
        else:
            data = _clicks(chance)
        yield data, chance.choice((0.0, 0.0, 0.0, 0.002, 0.01, 0.03, 0.03 * chance.random(), 0.3 * chance.random()))


def _clicks(chance: random.Random) -> bytes:
    x, y = chance.randint(1, WIDTH), chance.randint(1, HEIGHT)
    press, release = f"\x1b[<0;{x};{y}M", f"\x1b[<0;{x};{y}m"
    move, wheel = f"\x1b[<35;{chance.randint(1, WIDTH)};{y}M", f"\x1b[<65;{x};{y}M"
    return "".join(chance.choice(([press, release], [press, release] * 2, [press, move, release], [wheel]))).encode()


def play(seed: int, count: int, seconds: float = float("inf")) -> Outcome:
    """Play `count` steps, for at most `seconds`; stop at the first fault."""
    outcome, source, until = Outcome(), steps(seed), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while outcome.steps < count and time.monotonic() < until and not outcome.fault:
            with _dashboard(Path(folder)) as terminal:
                outcome.starts += 1
                _come_up(terminal)
                while outcome.steps < count and time.monotonic() < until and not terminal.ended():
                    data, gap = next(source)
                    outcome.last.append(data)
                    outcome.steps += 1
                    _type(terminal, data)
                    _drain(terminal, gap)
                if terminal.ended():
                    _drain(terminal, 0.1)
                    if terminal.code not in LEFT or b"Traceback" in terminal.last:
                        outcome.fault = f"exit code {terminal.code}\n{_traceback(Path(folder), terminal)}"
    return outcome


def _traceback(folder: Path, terminal: Terminal) -> str:
    """Return the dashboard's fault report, or else the end of its output."""
    kept = folder / "echo-tui" / "error.txt"
    return kept.read_text() if kept.exists() else repr(terminal.last[-600:])


def _dashboard(folder: Path) -> Terminal:
    return Terminal([command(), "asyncio", "--port", "0", "--clients", "2"], WIDTH, HEIGHT, cwd=folder)


def _come_up(terminal: Terminal) -> None:
    limit = time.monotonic() + COME_UP
    while TAKEN_OVER not in terminal.last and not terminal.ended() and time.monotonic() < limit:
        _drain(terminal, 0.02)


def _type(terminal: Terminal, data: bytes) -> None:
    """Write without blocking while the program waits for its output to be read."""
    while data and not terminal.ended():
        _, room, _ = select.select([], [terminal.master], [], 0)
        if room:
            data = data[os.write(terminal.master, data[:512]) :]
        else:
            _drain(terminal, 0.01)


def _drain(terminal: Terminal, seconds: float) -> None:
    """Read output for this long without an emulator; only its end is kept."""
    until = time.monotonic() + seconds
    while True:
        ready, _, _ = select.select([terminal.master], [], [], max(until - time.monotonic(), 0))
        if not ready:
            return
        try:
            data = os.read(terminal.master, 1 << 16)
        except OSError:
            return
        terminal.last = (terminal.last + data)[-4096:]
        if time.monotonic() > until and len(data) < 1 << 15:
            return


def main() -> None:
    """Play, and print the result; exit code 1 after a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    outcome = play(asked.seed, asked.steps)
    print(f"seed {asked.seed}: {outcome.steps} steps, {outcome.starts} starts: {outcome.fault or 'no fault'}")
    if outcome.fault:
        print(f"the last: {list(outcome.last)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
