"""How soon a stall is on the screen: from the threshold to the word STALLED, and to the line to blame."""

import re
import socket
import time
from functools import partial

from echo_servers.block import KINDS
from echo_tui.diagnosis.stalls import THRESHOLD

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section
from tests.bench.screen import command_line, dashboard, full
from tests.bench.terminal import HEIGHT, PATIENCE, WIDTH, Terminal
from tests.ports import free_port

LENGTH = 1.0
"""Seconds that each block lasts."""
BEFORE = 0.05
"""Seconds from the blocking message to the waiting one."""
BANNER = re.compile("STALLED")
BLAMED = re.compile(r"block\.py:\d+ [^│╯]*called at \w+\.py:\d+")
"""The text in the border of the timeline."""


def measure(effort: Effort) -> Section:
    """Measure with two raw clients of asyncio: the message of one blocks, and that of the other waits."""
    section = Section(f"Stalls of asyncio, in a terminal of {WIDTH} x {HEIGHT}")
    for kind in KINDS:
        banners, lines = _seen(kind, 2 * effort.rounds)
        section.add(Figure(f"{kind}: on screen after the threshold", "ms", banners, Goal(150.0), shown="p95"))
        section.add(Figure(f"{kind}: its line on screen", "ms", lines, Goal(250.0), shown="p95"))
    return section


def _seen(kind: str, times: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds after the threshold, by the clock of the waiting client."""
    port = free_port()
    banners, lines = [], []
    with dashboard([*command_line(), "asyncio", "--port", str(port), "--block", f"{kind}:{LENGTH:g}"]) as terminal:
        full(terminal)
        with _connected(port) as sender, _connected(port) as other:
            for _ in range(times):
                since = _hold(terminal, sender, other)
                banners.append((terminal.wait(partial(_shows, BANNER), "the word") - since) * 1e3)
                lines.append((terminal.wait(partial(_shows, BLAMED), "the line") - since) * 1e3)
                for client in (sender, other):
                    _echoed(client)
                terminal.rest(2 * LENGTH / 3)
    return banners, lines


def _hold(terminal: Terminal, sender: socket.socket, other: socket.socket) -> float:
    """Let a client wait; return the time at which its wait reaches the threshold."""
    terminal.forget()
    sender.sendall(b"hold\n")
    time.sleep(BEFORE)
    since = time.monotonic()
    other.sendall(b"and me?\n")
    return since + THRESHOLD / 1e9


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise DidNotWork("the server does not listen") from None
            time.sleep(0.05)


def _echoed(client: socket.socket) -> None:
    if not client.recv(100):
        raise DidNotWork("the server has closed")


def _shows(words: re.Pattern[str], drawn: str) -> bool:
    return bool(words.search(drawn))
