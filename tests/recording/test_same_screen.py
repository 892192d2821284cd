"""The panels of a replay show the same text as those of the live run, during a stall and after it."""

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from echo_servers.block import BlockSetting
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.model.observations import Observation
from echo_tui.observers.targets import find_target
from echo_tui.run.attached import Attached
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.recorded import Recorded
from echo_tui.session.session import Session
from echo_tui.tui.app import EchoTui
from echo_tui.tui.panels.timeline import SPANS
from echo_tui.tui.view import View

from tests.attach.conftest import start  # noqa: F401  (a fixture)
from tests.attach.watching import Peer
from tests.crossed import seldom
from tests.model.plain import plain
from tests.recording.made import read, write
from tests.tui.stage import SIZES, Stage

PANELS = ("timeline", "connections", "stalls", "events", "cpu", "threads", "source", "client-list")


@dataclass
class Moment:
    """A live run at a time: session, time of the latest observation (ns), their number, and the text of the panels."""

    session: Session
    at: int
    count: int
    texts: dict[str, str]


class Screen(EchoTui):
    """The dashboard, which can show a session at a given time without marking it as old."""

    moment: tuple[Session, int] | None = None
    row = ""
    """Empty: the row above the footer differs for a recording, and an attached server has none."""

    def view(self) -> View:
        view = super().view()
        if not self.moment:
            return view
        session, at = self.moment
        return replace(view, session=session, live=session, now=at, clock=at)


def texts(stage: Stage) -> dict[str, str]:
    """Return the text of each panel with its border, without trailing lines: a replay has room for more rows."""
    panels = [stage.panel(name) for name in PANELS]
    frames = {f"{panel.id} border": f"{panel.border_title} {panel.border_subtitle}" for panel in panels}
    shown = {name: stage.shown(name).rstrip() for name in PANELS}
    shown["source"] = shown["source"].replace(", x goes there", "")  # a replay has no such key
    return shown | frames


async def show(stage: Stage, session: Session, at: int) -> dict[str, str]:
    assert isinstance(stage.app, Screen)
    stage.app.moment = (session, at)
    stage.app.draw()
    await stage.pilot.pause()
    found = texts(stage)
    stage.app.moment = None
    return found


async def moment_of(stage: Stage, heard: Sequence[Observation]) -> Moment:
    """Record the session and the text of its panels."""
    session, count = stage.session.snapshot(), len(heard)
    at = max(one.at for one in heard)
    return Moment(session, at, count, await show(stage, session, at))


@contextlib.asynccontextmanager
async def shown(live: object, size: tuple[int, int]) -> AsyncIterator[Stage]:
    app = Screen(Plan(options=Options(port=0)), live=cast(Live, live))
    app.span, app.span_chosen = SPANS[1], True
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Stage(app, pilot)
    assert not app.return_code, "the dashboard has failed"


async def compare(path: Path, heard: list[Observation], moments: list[Moment], size: tuple[int, int]) -> None:
    """Compare the panels of a recording at each moment, reached forwards and backwards, with the live ones."""
    for moment in (*moments, *reversed(moments)):
        recorded = Recorded(read(write(path, heard[: moment.count], heard[0].at)))
        recorded.paused = True
        recorded.seek(moment.at)
        assert plain(recorded.session) == plain(moment.session)
        async with shown(recorded, size) as stage:
            await stage.shows("REPLAY")
            assert await show(stage, recorded.session, moment.at) == moment.texts


def stalled(stage: Stage) -> Callable[[], object]:
    return lambda: any(stall.located_at for stall in stage.session.stalls.going.values())


@pytest.mark.parametrize("size", seldom(SIZES[1:], SIZES[1]), ids=str)
async def test_own_server(size: tuple[int, int], tmp_path: Path) -> None:
    heard: list[Observation] = []
    live = Live(Plan(options=Options(port=0)), heard.extend)
    async with shown(live, size) as stage:
        stage.app.start_from_palette(find("asyncio"))
        await stage.serving()
        first, *_ = live.open_clients(3)
        await stage.until(lambda: stage.session.totals.new == 3, "three clients")
        live.arm(BlockSetting("sleep", 1.5))
        live.client_process.send([first], b"go\n")
        await stage.until(lambda: stage.session.blocks.running, "the call")
        live.arm(None)
        live.client_process.send([2, 3], b"hello\n")
        await stage.until(stalled(stage), "the line")
        during = await moment_of(stage, heard)
        await stage.until(lambda: not stage.session.stalls.going, "the end of the stall")
        after = await moment_of(stage, heard)
    assert "time.sleep" in during.texts["timeline border"]
    await compare(tmp_path / "run.jsonl", heard, [during, after], size)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")
@pytest.mark.parametrize("size", seldom(SIZES[1:], SIZES[1]), ids=str)
async def test_attached_server(start: Any, size: tuple[int, int], tmp_path: Path) -> None:  # noqa: F811
    server = start("app.py", "sleep")
    heard: list[Observation] = []
    async with shown(Attached(find_target(f":{server.port}"), heard=heard.extend, clients=True), size) as stage:
        await stage.until(lambda: stage.session.workers, "its worker")
        first, other = Peer(server.port), Peer(server.port)
        first.talk()
        other.talk()
        await stage.until(lambda: len(stage.session.connections) == 2, "two connections")
        first.say(b"go\n")
        await stage.few_redraws()
        other.say(b"hello\n")
        await stage.until(stalled(stage), "the line")
        during = await moment_of(stage, heard)
        await stage.until(lambda: not stage.session.stalls.going, "the end of the stall")
        after = await moment_of(stage, heard)
        first.close()
        other.close()
    assert "time.sleep" in during.texts["timeline border"]
    await compare(tmp_path / "run.jsonl", heard, [during, after], size)
