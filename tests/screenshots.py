"""The pictures of the README, from real runs: `make screenshots` writes them into screenshots/."""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from echo_servers.block import BlockSetting
from echo_servers.catalog import PATTERNS, find
from echo_servers.server import Options
from echo_tui.experiments.made import made
from echo_tui.experiments.report import markdown
from echo_tui.experiments.terms import Terms
from echo_tui.model.connection import State
from echo_tui.observers.program import Program
from echo_tui.run.attached import Attached
from echo_tui.run.plan import Plan
from echo_tui.tui.app import EchoTui
from echo_tui.tui.matrix import MatrixScreen
from echo_tui.tui.panel import Panel
from textual.pilot import Pilot
from textual.widgets import DataTable

from tests.ports import free_port

FOLDER = Path("screenshots")
PATIENCE = 30.0
MATRIX = 1200.0
"""Seconds for all the cells of the matrix."""
BEGIN, END = "<!-- the matrix, by make screenshots -->", "<!-- until here -->"
WIDE, TALK = (160, 45), (100, 30)
BLOCK = BlockSetting("sleep", 3.0)


class Run:
    """A dashboard over a real server."""

    def __init__(self, app: EchoTui, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Let it go on until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the run did not get where its picture is taken")
            await self.pilot.pause(0.02)

    def states(self) -> list[State]:
        """What the connections are doing, in their order."""
        view = self.app.view()
        return [view.condition(connection)[0] for connection in self.app.live.session.connections.values()]

    async def open(self, count: int) -> None:
        """Open so many clients, one after the other."""
        for _ in range(count):
            opened = len(self.app.live.session.clients)
            await self.pilot.press("n")
            await self.until(lambda opened=opened: len(self.app.live.session.clients) > opened)  # type: ignore[misc]
            await self.pilot.pause(0.3)

    async def say(self, client: int | None, words: str) -> None:
        """Send a line from a client, or from all."""
        self.app.client = client
        self.app.say(words)
        await self.pilot.pause(0.1)

    def save(self, name: str) -> None:
        """Take the picture."""
        FOLDER.mkdir(exist_ok=True)
        print(self.app.save_screenshot(name, str(FOLDER)))


@contextlib.asynccontextmanager
async def running(
    pattern: str, size: tuple[int, int], block: BlockSetting | None = None, theme: str | None = None
) -> AsyncIterator[Run]:
    """A dashboard with a server that listens."""
    app = EchoTui(Plan(find(pattern), Options(port=0), block), theme=theme)
    async with app.run_test(size=size) as pilot:
        run = Run(app, pilot)
        await run.until(lambda: app.live.session.server and app.live.session.server.listening_at)
        yield run


def external(run: Run) -> socket.socket:
    """A client from elsewhere."""
    server: Any = run.app.live.session.server
    return socket.create_connection((server.host, server.port), PATIENCE)


async def three_clients_and_a_block(run: Run) -> None:
    """Everybody talks, then one line holds the loop; the picture is taken while it lasts."""
    await run.open(3)
    for words in ("hello", "anybody there?", "hogehoge"):
        await run.say(None, words)
        await run.pilot.pause(0.9)
    run.app.live.toggle_block()
    await run.say(1, "mogemoge")
    await run.until(lambda: State.HELD in run.states())
    await run.until(lambda: set(run.states()) == {State.QUIET})
    await run.pilot.pause(1.5)
    await run.say(3, "who waits?")
    await run.until(lambda: State.HELD in run.states())
    await run.pilot.pause(1.0)
    await run.say(2, "me too")
    await run.pilot.pause(0.8)


async def dashboard() -> None:
    """The whole screen during a block."""
    async with running("asyncio-blocking", WIDE, BLOCK) as run:
        run.app.live.toggle_block()  # off, until everybody has said hello
        with external(run) as other:
            other.sendall(b"hello from elsewhere\n")
            await three_clients_and_a_block(run)
            run.app.live.open_clients(1)
            await run.until(lambda: State.QUEUED in run.states())
            await run.pilot.pause(0.4)
            run.save("dashboard.svg")


async def stall() -> None:
    """A loop that sleeps while everybody wants something: who waits, for how long, and on which line."""
    async with running("asyncio-blocking", WIDE, BlockSetting("sleep", 6.0)) as run:
        run.app.live.toggle_block()
        await run.open(3)
        for words in ("hello", "anybody there?"):
            await run.say(None, words)
            await run.pilot.pause(0.9)
        run.app.live.toggle_block()
        await run.say(1, "mogemoge")
        await run.pilot.pause(0.4)
        await run.say(2, "who waits?")
        await run.say(3, "me too")
        run.app.live.open_clients(1)
        await run.until(lambda: any(s.located_at for s in run.app.live.session.stalls.going.values()))
        await run.pilot.pause(2.5)
        run.save("stall.svg")


async def single_thread() -> None:
    """One is served, two are not accepted."""
    async with running("single-thread", WIDE) as run:
        await run.open(1)
        await run.say(1, "hogehoge")
        await run.open(2)
        await run.say(2, "is anybody there?")
        await run.say(1, "mogemoge")
        await run.pilot.pause(2.0)
        run.save("single-thread.svg")


async def projector() -> None:
    """The light theme, at the size of a talk."""
    async with running("asyncio-blocking", TALK, BLOCK, theme="echo-projector") as run:
        run.app.live.toggle_block()
        await three_clients_and_a_block(run)
        run.save("projector.svg")


async def welcome() -> None:
    """What somebody sees who starts it for the first time."""
    app = EchoTui(Plan(options=Options(port=0)))
    async with app.run_test(size=TALK) as pilot:
        run = Run(app, pilot)
        await run.until(lambda: "welcome" in {panel.id for panel in app.query(Panel) if panel.display and panel.extent})
        await pilot.pause(0.5)
        run.save("welcome.svg")


async def stage() -> None:
    """The layout for an audience, while everybody waits for the first client."""
    async with running("asyncio", TALK) as run:
        await run.pilot.press("z")
        await run.open(3)
        await run.pilot.press("E")
        await run.until(lambda: any(s.located_at for s in run.app.live.session.stalls.going.values()))
        await run.pilot.pause(2.5)
        run.save("stage.svg")


async def attached() -> None:
    """A server of somebody else's that stalls: an asyncio program with time.sleep in its handler."""
    port = free_port()
    program = Program([sys.executable, str(Path("tests/attach/app.py")), str(port), "sleep"])
    try:
        app = EchoTui(Plan(), live=Attached(program.wait_until_it_listens(), clients=True))
        async with app.run_test(size=TALK) as pilot:
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
            run.save("attach.svg")
            for peer in peers:
                peer.close()
    finally:
        program.stop()


async def matrix() -> None:
    """The isolation matrix, measured on the screen; the table of docs/matrix.md is of the same cells."""
    terms = Terms()
    app = EchoTui(Plan(options=Options(port=0)))
    async with app.run_test(size=WIDE) as pilot:
        run = Run(app, pilot)
        screen = MatrixScreen(app.measured, terms, lambda: None)
        app.push_screen(screen)
        await run.until(lambda: screen.is_current and any(table.row_count for table in screen.query(DataTable)))
        circumstances = made(terms)
        await pilot.press("r")
        await run.until(lambda: screen.measuring)
        await run.until(lambda: not screen.measuring, MATRIX)
        screen.query_one(DataTable).move_cursor(row=[p.name for p in PATTERNS].index("asyncio"), column=1)
        await pilot.pause(0.5)
        run.save("matrix.svg")
    put_into_document(markdown([measured.cell for measured in app.measured.values()], circumstances))


def put_into_document(table: str) -> None:
    """Write the table in the place of the one before."""
    document = Path("docs/matrix.md")
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    assert after, "the document has no place for it"
    document.write_text(f"{before}{BEGIN}\n{table}{END}{after}", encoding="utf-8")


async def main() -> None:
    """All of them, or those that are named."""
    pictures = (dashboard, stall, single_thread, projector, welcome, stage, attached, matrix)
    for picture in pictures:
        if not sys.argv[1:] or picture.__name__ in sys.argv[1:]:
            await picture()


if __name__ == "__main__":
    asyncio.run(main())
