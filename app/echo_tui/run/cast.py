"""A recording as an asciicast (version 3): the dashboard plays it in a pseudo-terminal, and its output is kept."""

import contextlib
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

from echo_servers.server import BadRequest

from echo_tui.run.replay import Replay

PATIENCE = 30.0
"""Seconds for the dashboard to start, and to end."""
QUIT = b"q"
TAIL = 1.0
"""Seconds after the end of the recording."""
SHOWN = b"REPLAY"
"""What the dashboard writes when it shows a recording."""
CHUNK = 1 << 16


def record_cast(file: str, replay: Replay, size: tuple[int, int], speed: float) -> str:
    """Play a recording at a speed; return the asciicast, with a marker where each stall is reported.

    Raises BadRequest if the dashboard can't be shown.
    """
    seconds = (replay.end - replay.begin) / 1e9 / speed
    marks = [((mark.at - replay.begin) / 1e9 / speed, f"stall {n}") for n, mark in enumerate(replay.stalls, 1)]
    events = _played(file, size, speed, seconds)
    header = {"version": 3, "term": {"cols": size[0], "rows": size[1]}, "title": "echo-tui"}
    lines, before = [json.dumps(header)], 0.0
    for at, code, data in sorted([*events, *((at, "m", label) for at, label in marks)], key=lambda event: event[0]):
        lines.append(json.dumps([round(at - before, 4), code, data], ensure_ascii=False))
        before = at
    return "\n".join(lines) + "\n"


def _played(file: str, size: tuple[int, int], speed: float, seconds: float) -> list[tuple[float, str, str]]:
    """Return the dashboard's output, with the seconds since it showed the recording."""
    pid, master = pty.fork()
    if pid == 0:
        kept = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        kept.pop("COLUMNS", None)
        kept.pop("LINES", None)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        line = [sys.executable, "-P", "-m", "echo_tui", "view", os.path.abspath(file), "--speed", str(speed)]
        os.execve(line[0], line, kept)
    try:
        return _events(master, seconds)
    finally:
        with contextlib.suppress(OSError):
            os.close(master)  # the dashboard ends with its terminal
        os.waitpid(pid, 0)


def _events(master: int, seconds: float) -> list[tuple[float, str, str]]:
    began, shown, rest = time.monotonic(), 0.0, b""
    found: list[tuple[float, str, str]] = []
    while True:
        now = time.monotonic()
        if shown and now - shown > seconds + TAIL:
            os.write(master, QUIT)
            return found
        if not shown and now - began > PATIENCE:
            raise BadRequest("the dashboard did not show the recording")
        if not select.select([master], [], [], 0.05)[0]:
            continue
        try:
            data = rest + os.read(master, CHUNK)
        except OSError:
            return found
        text, rest = _decoded(data)
        if not shown and SHOWN in data:
            shown = time.monotonic()
        found.append((time.monotonic() - shown if shown else 0.0, "o", text))


def _decoded(data: bytes) -> tuple[str, bytes]:
    """Return the complete characters as text, and the bytes of an incomplete one."""
    for cut in range(min(4, len(data) + 1)):
        with contextlib.suppress(UnicodeDecodeError):
            return data[: len(data) - cut].decode(), data[len(data) - cut :]
    return data.decode(errors="replace"), b""
