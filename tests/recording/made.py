"""Recordings for tests: of real runs, and of a few made-up observations."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from echo_servers.block import BlockSetting
from echo_servers.catalog import find
from echo_servers.records import Bye, Listening, New, Recv, Send, WorkerStarted
from echo_servers.server import Options
from echo_tui.model.observations import ENCODER, Observation, ServerStarted, SessionBegan
from echo_tui.run.driver import Driver
from echo_tui.run.header import new_header
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.replay import Replay

LIMIT = 30.0
SECOND = 1_000_000_000


class Run:
    """A real run and all its observations."""

    def __init__(self, pattern: str, **plan: Any) -> None:
        self.heard: list[Observation] = []
        self.live = Live(Plan(options=Options(port=0), **plan), self.heard.extend)
        self.driver = Driver(self.live)
        self.live.start(find(pattern))

    def until(self, condition: Callable[[], object]) -> None:
        """Take turns until the condition holds."""
        end = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < end
            time.sleep(self.driver.wait)
            self.driver.turn()

    def stall(self) -> None:
        """Let one client block the server while others wait."""
        self.until(lambda: self.live.listening)
        first, *_ = self.live.open_clients(3)
        self.until(lambda: self.live.session.totals.new == 3)
        self.live.arm(BlockSetting("sleep", 1.0))
        self.live.client_process.send([first], b"go\n")
        self.until(lambda: self.live.session.blocks.running)
        self.live.arm(None)
        self.live.client_process.send(self.live.present[1:], b"hello\n")
        self.until(lambda: any(stall.located_at for stall in self.live.session.stalls.going.values()))
        self.until(lambda: not self.live.session.blocks.running and not self.live.session.stalls.going)


def few(peers: int = 2, begin: int = SECOND) -> list[Observation]:
    """Return the observations of a server with some clients, about a second apart."""
    pid, port = 10, 5000
    found: list[Observation] = [
        SessionBegan(begin),
        ServerStarted(begin, "asyncio", pid, "127.0.0.1", port, ["poll"]),
        Listening(begin, pid, pid, "127.0.0.1", port, 128),
        WorkerStarted(begin, pid, pid, "loop"),
    ]
    for number in range(1, peers + 1):
        at = begin + number * SECOND
        found += [
            New(at, pid, pid, number, f"127.0.0.1:{6000 + number}"),
            Recv(at + SECOND // 4, pid, pid, number, 5, "hello"),
            Send(at + SECOND // 2, pid, pid, number, 5, "hello"),
        ]
    return [*found, Bye(begin + (peers + 1) * SECOND, pid, pid, 1)]


def write(path: Path, observations: Iterable[Observation], at: int = SECOND) -> Path:
    """Write a recording."""
    header = ENCODER.encode(new_header("asyncio", {}, at))
    path.write_bytes(header + b"\n" + ENCODER.encode_lines(list(observations)))
    return path


def read(path: Path) -> Replay:
    """Read a complete recording."""
    replay = Replay(str(path))
    while not replay.complete:
        replay.read_ahead(1.0)
    return replay
