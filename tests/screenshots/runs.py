"""The real runs behind the pictures; each makes a small recording: `python -m tests.screenshots --record`."""

import contextlib
import gzip
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from echo_servers.block import KINDS, BlockSetting
from echo_servers.catalog import PATTERNS, find
from echo_servers.server import Options
from echo_tui.experiments.cell import Cell
from echo_tui.experiments.environment import Environment, environment
from echo_tui.experiments.measure import measure_all
from echo_tui.experiments.parameters import CellParameters
from echo_tui.model.remembered import State
from echo_tui.observers.program import Program
from echo_tui.run.attached import Attached
from echo_tui.run.header import new_header
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.recorder import Recorder
from echo_tui.tui.app import EchoTui
from textual.pilot import Pilot

from tests.ports import free_port

RECORDINGS = Path("screenshots/recordings")
PATIENCE = 30.0
SIZE = (160, 45)
BLOCK = BlockSetting("sleep", 3.0)
ELSEWHERE = "/home/you/echo-tui"
"""Replaces the path of the checkout, and of the Python environment, in recordings."""


class Run:
    """A dashboard with a real server."""

    def __init__(self, app: EchoTui, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Let the dashboard run until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the run did not get where it is to be")
            await self.pilot.pause(0.02)

    def states(self) -> list[State]:
        """Return the states of the connections, in order."""
        view = self.app.view()
        return [view.condition(connection)[0] for connection in self.app.live.session.connections.values()]

    async def open(self, count: int) -> None:
        """Open this many clients, one after the other."""
        for _ in range(count):
            opened = len(self.app.live.session.clients)
            await self.pilot.press("n")
            await self.until(lambda opened=opened: len(self.app.live.session.clients) > opened)  # type: ignore[misc]
            await self.pilot.pause(0.3)

    async def say(self, client: int | None, words: str) -> None:
        """Send a line from one client, or from all."""
        self.app.client = client
        self.app.send_line(words)
        await self.pilot.pause(0.1)


@contextlib.asynccontextmanager
async def running(name: str, pattern: str, block: BlockSetting | None = None) -> AsyncIterator[Run]:
    """Run a dashboard with a listening server, and record it under this name."""
    with recorder(name, pattern) as to:
        app = EchoTui(Plan(find(pattern), Options(port=0), block), recorder=to)
        async with app.run_test(size=SIZE) as pilot:
            run = Run(app, pilot)
            await run.until(lambda: app.live.session.server and app.live.session.server.listening_at)
            yield run
            to.close()  # before the server is stopped


@contextlib.contextmanager
def recorder(name: str, subject: str) -> Iterator[Recorder]:
    """Yield a recorder to a file; replace local paths in the file at the end."""
    RECORDINGS.mkdir(parents=True, exist_ok=True)
    path, whole = RECORDINGS / f"{name}.jsonl.gz", RECORDINGS / f"{name}.jsonl"
    whole.unlink(missing_ok=True)
    found = Recorder(new_header(subject, {}, time.monotonic_ns()), path=str(whole))
    try:
        yield found
        found.close()
        data = whole.read_bytes().replace(str(Path.cwd()).encode(), ELSEWHERE.encode())
        for prefix in (sys.prefix, sys.base_prefix):
            data = data.replace(prefix.encode(), f"{ELSEWHERE}/.venv".encode())
        path.write_bytes(gzip.compress(data, 9, mtime=0))
        print(path, path.stat().st_size)
    finally:
        whole.unlink(missing_ok=True)


def external(run: Run) -> socket.socket:
    """Connect an external client."""
    server: Any = run.app.live.session.server
    return socket.create_connection((server.host, server.port), PATIENCE)


async def three_clients_and_a_block(run: Run) -> None:
    """All clients talk, then one line blocks the loop; the recording ends during the block."""
    await run.open(3)
    for words in ("hello", "anybody there?", "hogehoge"):
        await run.say(None, words)
        await run.pilot.pause(0.9)
    run.app.live.toggle_block()
    await run.say(1, "mogemoge")
    await run.until(lambda: State.THREAD_BLOCKED in run.states())
    await run.until(lambda: set(run.states()) == {State.QUIET})
    await run.pilot.pause(1.5)
    await run.say(3, "who waits?")
    await run.until(lambda: State.THREAD_BLOCKED in run.states())
    await run.pilot.pause(1.0)
    await run.say(2, "me too")
    await run.pilot.pause(0.8)


async def dashboard() -> None:
    """The whole screen during a block."""
    async with running("dashboard", "asyncio-blocking", BLOCK) as run:
        run.app.live.toggle_block()  # disarmed until all clients have talked
        with external(run) as other:
            other.sendall(b"hello from elsewhere\n")
            await three_clients_and_a_block(run)
            run.app.live.open_clients(1)
            await run.until(lambda: State.QUEUED in run.states())
            await run.pilot.pause(0.4)


async def stall() -> None:
    """All clients talk, then one message blocks for three seconds: victims, line, and end."""
    async with running("stall", "asyncio") as run:
        live = run.app.live
        live.arm(BlockSetting("sleep", 3.0))
        live.arm(None)
        await run.open(3)
        for _ in range(3):
            await run.pilot.press("e")
            await run.pilot.pause(0.6)
        await run.pilot.press("E")
        await run.until(lambda: any(s.located_at for s in live.session.stalls.going.values()))
        await run.pilot.pause(0.7)
        live.open_clients(1)
        await run.until(lambda: not live.session.stalls.going)
        await run.pilot.pause(0.6)
        await run.pilot.press("e")
        await run.pilot.pause(1.5)


async def single_thread() -> None:
    """One client is served; two are not accepted."""
    async with running("single-thread", "single-thread") as run:
        await run.open(1)
        await run.say(1, "hogehoge")
        await run.open(2)
        await run.say(2, "is anybody there?")
        await run.say(1, "mogemoge")
        await run.pilot.pause(2.0)


async def stage() -> None:
    """The layout for an audience, while all clients wait for the first one."""
    async with running("stage", "asyncio") as run:
        await run.open(3)
        await run.pilot.press("E")
        await run.until(lambda: any(s.located_at for s in run.app.live.session.stalls.going.values()))
        await run.pilot.pause(2.5)


async def attached() -> None:
    """A stall of a foreign server: an asyncio program with time.sleep in its handler."""
    port = free_port()
    program = Program([sys.executable, str(Path("tests/attach/app.py")), str(port), "sleep"])
    try:
        with recorder("attach", "app.py") as to:
            app = EchoTui(
                Plan(), live=cast(Live, Attached(program.wait_until_it_listens(), heard=to.hear, clients=True))
            )
            async with app.run_test(size=SIZE) as pilot:
                run = Run(app, pilot)
                await run.until(lambda: app.live.session.workers)
                peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
                for _ in range(3):
                    for peer in peers:
                        peer.sendall(b"hello\n")
                    await pilot.pause(0.5)
                peers[0].sendall(b"go\n")
                await pilot.pause(0.2)
                for peer in peers[1:]:
                    peer.sendall(b"who waits?\n")
                await run.until(lambda: any(s.located_at for s in app.live.session.stalls.going.values()))
                await pilot.pause(0.6)
                for peer in peers:
                    peer.close()
    finally:
        program.stop()


async def matrix() -> None:
    """All cells of the isolation matrix, and how they were measured."""
    parameters, cells = CellParameters(), []
    circumstances = environment(parameters)
    async for measured in measure_all(((pattern, kind) for pattern in PATTERNS for kind in KINDS), parameters):
        cells.append(measured.cell)
        print(measured.cell.pattern, measured.cell.kind, flush=True)
    data = msgspec.json.encode(Cells(circumstances, cells))
    path = RECORDINGS / "matrix.json.gz"
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(path, path.stat().st_size)


@dataclass
class Cells:
    """The stored cells of the isolation matrix."""

    environment: Environment
    cells: list[Cell]


RUNS = {run.__name__: run for run in (dashboard, stall, single_thread, stage, attached, matrix)}
