"""In a talk, one key swaps the live run for the recording of its scene, and back."""

import os
import random
from pathlib import Path

import pytest
from echo_servers.catalog import find
from echo_servers.records import Recv
from echo_tui.config import Config
from echo_tui.run.recorded import Recorded
from echo_tui.tour.playlist import PlaylistScene
from echo_tui.tui.keys import ALL_KEYS

from tests.crossed import seldom
from tests.e2e.terminal import Terminal, command
from tests.recording.made import SECOND, few, write
from tests.tui.stage import SIZES, Stage, dashboard


def with_recording(path: Path) -> Config:
    return Config(scenes=(PlaylistScene(find("asyncio"), "", str(path)), PlaylistScene(find("thread-pool"))))


def on_screen(stage: Stage) -> str:
    """Return what is on the screen: the live run or a recording."""
    return "recording" if isinstance(stage.app.viewed, Recorded) else "live"


def at_its_start(stage: Stage) -> None:
    """Pause the recording at its start: on a busy machine it may have ended."""
    viewed = stage.app.viewed
    assert isinstance(viewed, Recorded)
    if not viewed.paused:
        viewed.pause()
    viewed.seek(viewed.replay.begin)


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_live_run_continues_and_returns_unchanged(stalled: Path, size: tuple[int, int]) -> None:
    async with dashboard("asyncio", size, with_recording(stalled)) as stage:
        await stage.open(2)
        live, session, steps = stage.app.live, stage.session, stage.app.talk.steps
        assert stage.footer().get("recording") == "V"
        await stage.press("V")
        await stage.shows("REPLAY", "stall 1 of 1")
        assert stage.footer().get("live") == "V"
        at_its_start(stage)
        await stage.press("right_square_bracket")
        await stage.shows("STALLED")
        received = session.totals.recv
        live.client_process.send([], b"unseen\n")
        await stage.until(lambda: session.totals.recv == received + 2, "the live run continues")
        await stage.press("V")
        await stage.until(lambda: on_screen(stage) == "live", "the live run")
        assert (stage.app.live, stage.session, stage.app.talk.steps) == (live, session, steps)
        await stage.until(lambda: "REPLAY" not in stage.text and "stall 1 of 1" not in stage.text, "no recording")
        assert stage.footer().get("recording") == "V"
        await stage.say("again")
        await stage.until(lambda: session.totals.recv > received + 2, "echoes of its clients")


async def test_next_scene_is_live(stalled: Path) -> None:
    async with dashboard("asyncio", config=with_recording(stalled)) as stage:
        await stage.press("V")
        await stage.shows("REPLAY")
        await stage.press("full_stop")
        await stage.serving("thread-pool")
        assert on_screen(stage) == "live"
        await stage.press("V")
        assert "No recording of this scene" in stage.notices()[-1]
        assert "recording" not in stage.footer()


async def test_recording_of_the_scene_at_the_cursor_needs_no_server(stalled: Path) -> None:
    async with dashboard(config=with_recording(stalled)) as stage:
        stage.app.highlighted = find("asyncio")
        await stage.press("V")
        await stage.shows("REPLAY")
        await stage.press("q")
        await stage.until(lambda: not stage.app.is_running or stage.app.leaving, "the end")


async def test_quitting_asks_because_of_the_live_runs_clients(stalled: Path) -> None:
    async with dashboard("asyncio", config=with_recording(stalled)) as stage:
        await stage.open(2)
        await stage.until(lambda: stage.session.totals.new == 2, "two connections")
        await stage.press("V")
        await stage.shows("REPLAY")
        await stage.press("q")
        await stage.until(lambda: len(stage.app.screen_stack) == 2, "a question")


async def test_deleted_recording_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "scene.jsonl", few())
    async with dashboard("asyncio", config=with_recording(path)) as stage:
        path.unlink()
        await stage.press("V")
        assert "no such file" in stage.notices()[-1]
        assert on_screen(stage) == "live"


def test_recordings_of_scenes_are_configured(tmp_path: Path, stalled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    monkeypatch.setenv("ECHO_TUI_CONFIG", str(config))
    config.write_text(f'scenes = [{{pattern = "asyncio", recording = "{os.path.relpath(stalled, tmp_path)}"}}]\n')
    line = [command(), "asyncio", "--port", "0"]
    with Terminal(line, cwd=Path("/")) as terminal:
        terminal.until(lambda: "V recording" in terminal.text, "the key")
        terminal.press("V")
        terminal.until(lambda: "REPLAY" in terminal.text, "the recording")
        terminal.press("V")
        terminal.until(lambda: "REPLAY" not in terminal.text, "the live run")
        terminal.press("q")
        terminal.until(terminal.ended, "the end")
        assert terminal.code == 0
    (tmp_path / "broken.jsonl").write_text("{}\n")
    config.write_text('scenes = [{pattern = "asyncio", recording = "broken.jsonl"}]\n')
    with Terminal(line, cwd=Path("/")) as terminal:
        terminal.until(lambda: "broken.jsonl" in terminal.text, "why not")
        terminal.until(terminal.ended, "the end")
        assert terminal.code == 2


async def test_recording_without_cores_in_a_hidden_panel(tmp_path: Path) -> None:
    path = write(tmp_path / "few.jsonl", few(5))  # without samples of cores
    async with dashboard("asyncio", (80, 24), with_recording(path)) as stage:
        await stage.press("6")
        await stage.until(lambda: stage.session.resources.cores, "the cores of this machine")
        await stage.few_redraws()
        await stage.press("4", "V")
        await stage.shows("REPLAY")
        await stage.press("6")
        await stage.few_redraws()


@pytest.mark.slow
async def test_swapping_back_while_the_recording_is_read(tmp_path: Path) -> None:
    begin = few(1)[:5]
    many = [Recv(2 * SECOND + number * 20_000, 10, 10, 1, 5, "hello") for number in range(300_000)]
    path = write(tmp_path / "many.jsonl", [*begin, *many])
    async with dashboard("asyncio", config=with_recording(path)) as stage:
        for _ in range(4):
            await stage.press("V")
            await stage.shows("REPLAY")
            assert isinstance(stage.app.viewed, Recorded)
            stage.app.viewed.seek(2 * SECOND)
            await stage.few_redraws()
            await stage.press("V")
            await stage.few_redraws()
        assert on_screen(stage) == "live"


async def test_expanded_panel_of_the_live_run_is_reset(tmp_path: Path) -> None:
    path = write(tmp_path / "few.jsonl", few(5))
    async with dashboard("asyncio", (100, 30), with_recording(path)) as stage:
        await stage.press("5", "f")
        await stage.until(lambda: stage.app.expanded == "events", "one panel")
        await stage.press("V")
        await stage.shows("REPLAY")
        await stage.until(lambda: {"timeline", "connections"} <= stage.visible(), "all panels")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_random_keys_and_swaps_are_harmless(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    path = write(tmp_path / "few.jsonl", few(5))
    keys = [key.key.partition(",")[0] for key in ALL_KEYS if key.id not in ("quit", "quit-now", "matrix", "palette")]
    keys += ["V"] * 12 + ["escape"] * 6 + ["enter", "up", "down", "v"]
    async with dashboard("asyncio", chance.choice(SIZES), with_recording(path)) as stage:
        for _ in range(80):
            await stage.press(chance.choice(keys))
            if chance.random() < 0.1:
                await stage.few_redraws()
        assert stage.app.is_running
