"""A server that dies, one that can't start, and one that is stopped."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest
from echo_servers import catalog, pattern
from echo_servers.catalog import find
from echo_servers.records import Note
from echo_servers.server import Options
from echo_tui.model.observations import Observation, ServerExited, ServerStarted
from echo_tui.tour.playlist import Playlist, PlaylistScene
from echo_tui.tui.panels.ended import EndedPanel
from echo_tui.tui.panels.patterns import PatternsPanel
from echo_tui.tui.talk import Talk

from tests.crossed import seldom
from tests.tui.stage import SIZES, dashboard, until
from tests.tui.still import NOW, PID, START, Still

LIVING = {"connections", "events", "cpu", "threads", "source"}


async def test_traceback_replaces_the_panels_and_space_restarts() -> None:
    async with dashboard("nonblocking") as stage:
        await stage.shows("ended: exit code 1", "Traceback", "BlockingIOError", "to start it again.")
        await stage.until(lambda: "ended" in stage.visible(), "the panel")
        assert LIVING.isdisjoint(stage.visible())
        first = stage.session
        await stage.press("space")
        await stage.until(lambda: stage.session is not first, "another run")
        await stage.shows("BlockingIOError")
        await stage.press("comma")
        await stage.until(lambda: stage.session.server and stage.session.server.pattern != "nonblocking", "another")
        await stage.until(lambda: stage.visible() >= LIVING and "ended" not in stage.visible(), "the panels")


async def test_killed_server() -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.until(lambda: stage.session.totals.new == 2, "two clients")
        assert stage.session.server
        os.kill(stage.session.server.pid, signal.SIGKILL)
        await stage.shows("ended by SIGKILL", "It wrote nothing to stderr.")
        await stage.until(lambda: set(stage.chips().values()) == {"2 clients", "server closed"}, "what clients saw")
        await stage.press("space")
        await stage.serving("multithread")
        await stage.until(lambda: stage.session.totals.new == 2, "the same clients")
        await stage.until(lambda: set(stage.chips()) == {"all", "1", "2"}, "their chips")
        assert "ended" not in stage.visible()


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]))
async def test_ended_panel_has_all_notes_of_a_server(size: tuple[int, int]) -> None:
    notes = [Note(START + number, PID, PID, f"worker {number} has died") for number in range(30)]
    told: list[Observation] = [
        ServerStarted(START, "process-pool", PID, "127.0.0.1", 1),
        *notes,
        ServerExited(NOW, PID, -9, False),
    ]
    app = Still("process-pool", told)
    async with app.run_test(size=size) as pilot:
        panel = app.query_one(EndedPanel)

        def told_all() -> bool:
            lines = ("".join(words for words, _ in panel.line(index, 80)) for index in range(panel.last))
            return any("worker 0 has died" in line for line in lines)

        await until(pilot, told_all, "what it said")


async def test_stopped_server_keeps_its_panels() -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.until(lambda: stage.session.totals.new == 2, "two clients")
        await stage.press("space")
        await stage.shows("stopped")
        assert not stage.app.view().died
        assert stage.visible() >= LIVING
        await stage.until(
            lambda: "server ended" in stage.shown("connections") or "closed" in stage.shown("connections")
        )


@pytest.mark.parametrize("size", SIZES[:2])
async def test_busy_port_is_refused_in_the_words_of_the_command_line(size: tuple[int, int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with dashboard("multithread", size=size, options=Options(port=port)) as stage:
            await stage.shows("thread per client can't start")
            said = " ".join(line.strip() for line in stage.lines("ended"))
            assert stage.app.live.refusal() in said
            assert f"{port}" in stage.app.live.refusal()
            assert "Traceback" not in said
            listener.close()
            await stage.press("space")
            await stage.serving("multithread")
            await stage.until(lambda: "serving" in stage.shown("header") or size[0] < 100, "it serves")


async def test_missing_extra_is_grey_and_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = 'needs gevent: pip install "echo-tui[more]"'
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['gevent'] = None")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(pattern, "is_installed", lambda module: module != "gevent")
    async with dashboard() as stage:
        panel, gevent = stage.app.query_one(PatternsPanel), catalog.find("gevent")
        panel.put(gevent)
        await stage.until(lambda: sentence in stage.shown("welcome"), "the sentence in its story")
        palette = stage.app.view().palette
        assert panel.line(panel.entries.index(gevent), 20)[-1][1] == palette.faint
        assert panel.line(panel.entries.index(catalog.find("trio")), 20)[-1][1] == palette.text
        stage.app.start(gevent)
        await stage.shows("gevent can't start")
        assert stage.app.live.refusal() == sentence
        assert sentence in " ".join(line.strip() for line in stage.lines("ended"))


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]))
async def test_missing_extra_is_named_for_the_pattern_at_the_cursor(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pattern, "is_installed", lambda module: module != "trio")
    async with dashboard("asyncio", size) as stage:
        stage.app.query_one(PatternsPanel).put(catalog.find("trio"))
        await stage.until(lambda: 'needs trio: pip install "echo-tui[more]"' in stage.shown("keys"), "what it needs")
        stage.app.query_one(PatternsPanel).put(catalog.find("gevent"))
        await stage.until(lambda: "needs" not in stage.shown("keys"), "the keys alone")


async def test_exception_is_shown_before_its_traceback() -> None:
    async with dashboard("nonblocking", (160, 45)) as stage:
        await stage.shows("Traceback", "BlockingIOError")
        said = stage.shown("ended")
        assert said.index("BlockingIOError") < said.index("Traceback")


async def test_refused_threads_end_the_server() -> None:
    async with dashboard("too-many-threads", size=(100, 30)) as stage:
        await stage.until(lambda: stage.app.view().died, "its end")
        await stage.until(lambda: "can't start new thread" in stage.shown("ended"), "the exception")
        said = stage.shown("ended")
        found = re.search(r"refused after ([\d,]+) threads: (.+)", said)
        assert found, said
        assert int(found[1]) > 100
        assert found[2]


async def test_too_many_threads_up_to_the_ceiling() -> None:
    async with dashboard("too-many-threads", size=(80, 24), options=Options(port=0, ceiling=40)) as stage:
        await stage.press("5")
        await stage.until(lambda: "stopped at the ceiling of 40 threads" in stage.shown("events"), "the ceiling")
        await stage.until(lambda: "not listening" in stage.shown("header"), "what it does")


async def test_pattern_that_cannot_run_is_skipped_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "is_installed", lambda module: module != "gevent")
    async with dashboard("eventlet-tpool", size=(80, 24)) as stage:
        await stage.open(1)
        session = stage.session
        await stage.press("1", "down", "enter")
        assert stage.notices() == ['needs gevent: pip install "echo-tui[more]"']
        assert stage.session is session
        assert stage.app.live.running
        stage.app.talk = Talk(
            Playlist.of([PlaylistScene(find(name)) for name in ("eventlet-tpool", "gevent", "twisted")])
        )
        stage.app.draw()
        await stage.press("full_stop")
        await stage.serving("twisted")
        await stage.press("comma")
        await stage.serving("eventlet-tpool")
