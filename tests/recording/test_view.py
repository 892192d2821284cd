"""A recording and a stream on the screen: every key, the mouse, and a real terminal with a pipe."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from echo_tui.model.observations import ENCODER, ServerStarted, SessionBegan
from echo_tui.run.header import new_header
from echo_tui.run.plan import Plan
from echo_tui.run.recorded import Recorded
from echo_tui.run.streamed import Streamed
from echo_tui.tui.app import EchoTui
from echo_tui.tui.keys import ALL_KEYS, RECORDING
from echo_tui.tui.panels.seek import SeekBar
from echo_tui.tui.panels.timeline import LABEL, TimelinePanel

from tests.crossed import seldom
from tests.e2e.terminal import Terminal, command
from tests.recording.made import SECOND, few, read, write
from tests.tui.checks import Checks
from tests.tui.stage import Stage

checks = Checks(RECORDING)


@contextlib.asynccontextmanager
async def viewing(path: Path, size: tuple[int, int] = (160, 45), at: float = 0.0) -> AsyncIterator[Stage]:
    app = EchoTui(Plan(), live=Recorded(read(path), at=at))
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Stage(app, pilot)
    app.live.close()
    assert not app.return_code, "the dashboard has failed"


def source(stage: Stage) -> Recorded:
    assert isinstance(stage.app.viewed, Recorded)
    return stage.app.viewed


def seconds(stage: Stage) -> float:
    """Return the position in the recording."""
    return (source(stage).clock() - source(stage).replay.begin) / SECOND


@checks.key("pause")
async def pause(stage: Stage) -> None:
    play = source(stage)
    play.seek(play.replay.begin)
    play.speed, play.paused = 0.01, False  # so slow that it does not end meanwhile, however busy the machine is
    await stage.press("v")
    await stage.shows("‖")
    before = seconds(stage)
    await stage.few_redraws()
    assert seconds(stage) == before
    await stage.press("v")
    await stage.until(lambda: seconds(stage) > before, "it continues")
    await stage.press("v", "0")
    play.speed = 1.0


@checks.key("event-after")
async def event_after(stage: Stage) -> None:
    while not stage.session.totals.new:
        await stage.press("greater_than_sign")
    assert "New client" in stage.shown("events")


@checks.key("event-before")
async def event_before(stage: Stage) -> None:
    while stage.session.totals.new:
        await stage.press("less_than_sign")
    assert stage.session.server
    await stage.press("0", "less_than_sign")
    assert "No event before this" in stage.notices()


@checks.key("sample-after")
async def sample_after(stage: Stage) -> None:
    before = seconds(stage)
    await stage.press("right_parenthesis")
    assert seconds(stage) > before


@checks.key("sample-before")
async def sample_before(stage: Stage) -> None:
    await stage.press("right_parenthesis", "right_parenthesis")
    before = seconds(stage)
    await stage.press("left_parenthesis")
    assert seconds(stage) < before


@checks.key("faster")
async def faster(stage: Stage) -> None:
    await stage.press("F")
    await stage.shows("×2")


@checks.key("slower")
async def slower(stage: Stage) -> None:
    await stage.press("S", "S")
    await stage.shows("×0.5")
    await stage.press("F")


@checks.key("rewind")
async def rewind(stage: Stage) -> None:
    source(stage).seek(source(stage).replay.end)
    await stage.press("0")
    assert seconds(stage) == 0
    await stage.until(lambda: "does not listen yet" in stage.shown("timeline"), "why it is empty")


async def test_layout_for_an_audience_without_clients_of_ours(hostile: Path) -> None:
    async with viewing(hostile) as stage:
        timeline = stage.app.query_one(TimelinePanel)
        before = timeline.size.height
        await stage.press("z")
        await stage.until(lambda: timeline.size.height > 1.5 * before, "a large timeline")
        assert stage.app.screen.has_class("stage")
        await stage.press("z")
        await stage.until(lambda: timeline.size.height == before, "all panels")


async def test_every_key_of_recordings(stalled: Path) -> None:
    async with viewing(stalled) as stage:
        await checks.go(stage)


@pytest.mark.parametrize("size", seldom([(80, 24), (100, 30), (160, 45)], (80, 24)))
async def test_stall_of_a_recording_is_shown_with_its_line(stalled: Path, size: tuple[int, int]) -> None:
    async with viewing(stalled, size) as stage:
        await stage.press("right_square_bracket")
        await stage.shows("REPLAY", "STALLED", "time.sleep", "stall 1 of 1")
        assert source(stage).paused
        await stage.press("right_square_bracket")
        assert "No stall after this one" in stage.notices()
        await stage.press("0", "v")
        await stage.until(lambda: source(stage).at_end, "the end of the recording")
        await stage.shows("■", "stall 1 of 1")


async def test_click_on_the_seek_bar_goes_to_a_time(stalled: Path) -> None:
    async with viewing(stalled) as stage:
        if not source(stage).paused:  # on a busy machine it has ended, and pauses, before a key is pressed
            source(stage).pause()
        await stage.until(lambda: "‖" in stage.text or "■" in stage.text, "the sign of a pause or the end")
        bar = stage.app.query_one(SeekBar)
        middle = bar._bar.start + len(bar._bar) // 2
        await stage.pilot.click(bar, offset=(middle + 1, 0))
        replay = source(stage).replay
        half = (replay.end - replay.begin) / SECOND / 2
        await stage.until(lambda: abs(seconds(stage) - half) < half / 10, "the middle")
        await stage.pilot.click(bar, offset=(bar._bar.start + 1, 0))
        await stage.until(lambda: seconds(stage) < half / 10, "the start")


async def test_click_on_the_timeline_goes_back_to_that_time(stalled: Path) -> None:
    async with viewing(stalled) as stage:
        await stage.press("v")
        end = source(stage).replay.end
        source(stage).seek(end)
        stage.app.draw()
        timeline = stage.app.query_one(TimelinePanel)
        before = timeline.window(stage.app.view())
        column = timeline.columns - 1 - int(0.5 * SECOND / before.step)
        await stage.pilot.click(timeline, offset=(LABEL + column + 2, 2))  # border and padding take 2 cells
        await stage.until(lambda: source(stage).clock() < end, "an earlier time")
        assert abs(end - source(stage).clock() - SECOND / 2) < SECOND / 4


async def test_actions_that_need_a_server_are_not_offered(stalled: Path) -> None:
    async with viewing(stalled) as stage:
        await stage.shows("pause")
        offered = set(stage.footer())
        assert {"pause", "> event", "S speed", "help", "quit"} <= offered
        assert offered.isdisjoint(
            {"start", "stop", "client", "type", "speak", "block on", "record", "freeze", "matrix"}
        )
        for key in ("n", "e", "b", "R", "space", "w", "s", "r", "i", "p"):
            await stage.press(key)
        assert len(stage.app.screen_stack) == 1
        titles = [one.title for one in stage.app.get_system_commands(stage.app.screen)]
        assert {key.help for key in RECORDING_KEYS} <= set(titles)
        assert not [title for title in titles if title.startswith("Start ")]


RECORDING_KEYS = [key for key in ALL_KEYS if key.group == RECORDING]


async def test_source_of_another_machine_is_shown_from_the_recording(tmp_path: Path, stalled: Path) -> None:
    text = stalled.read_text().replace(str(Path(__file__).parents[2]), "/nowhere")
    path = tmp_path / "elsewhere.jsonl"
    path.write_text(text)
    async with viewing(path) as stage:
        await stage.press("right_square_bracket")
        await stage.shows("STALLED", "time.sleep(seconds)")


@pytest.mark.parametrize("size", seldom([(80, 24), (160, 45)], (160, 45)))
async def test_untrusted_markup_is_shown_as_text(hostile: Path, size: tuple[int, int]) -> None:
    async with viewing(hostile, size) as stage:
        await stage.press("right_square_bracket")
        await stage.shows("STALLED")
        for key in ("2", "3", "4", "5", "7", "8", "9", "d"):
            await stage.press(key)
            await stage.few_redraws()
        assert "[@click=bell]" in stage.text, "the details"


async def test_recorded_pid_does_not_show_the_user_of_a_local_process(tmp_path: Path) -> None:
    started = ServerStarted(SECOND, "server", os.getpid(), "127.0.0.1", 5000)
    path = write(tmp_path / "run.jsonl", [SessionBegan(SECOND), started])
    async with viewing(path) as stage:
        await stage.shows(f"pid {os.getpid()}")
        assert psutil.Process().username() not in stage.shown("patterns")


async def test_truncated_recording_is_marked(stalled: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(stalled.read_bytes()[:-100])
    async with viewing(path) as stage:
        await stage.shows("the file is cut off or damaged here")


async def test_stream_is_followed_and_its_end_is_reported() -> None:
    read_end, write_end = os.pipe()
    observations = few(3)
    lines = ENCODER.encode(new_header("asyncio", {}, SECOND)) + b"\n" + ENCODER.encode_lines(observations)
    os.write(write_end, lines[: len(lines) // 2])
    app = EchoTui(Plan(), live=Streamed(read_end))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        stage = Stage(app, pilot)
        await stage.shows("REMOTE")
        await stage.until(lambda: stage.session.totals.new, "the first half")
        os.write(write_end, lines[len(lines) // 2 :])
        await stage.until(lambda: stage.session.totals.bye == 1, "all of it")
        os.close(write_end)
        await stage.shows("the stream has ended")
    assert not app.return_code


@pytest.mark.skipif(sys.platform != "linux", reason="a foreign server is seen by the kernel's evidence")
def test_stream_through_a_pipe_in_a_terminal(tmp_path: Path) -> None:
    watch = [command(), "watch", "asyncio-blocking", "--port", "0", "--clients", "3", "--load", "5", "--json"]
    line = f"{shlex.join(watch)} | {shlex.join([command(), 'view', '-'])}"
    with Terminal(["/bin/sh", "-c", line], cwd=tmp_path) as terminal:
        terminal.until(lambda: "REMOTE" in terminal.text and "STALLED" in terminal.text, "the stall")
        terminal.press("q")
        terminal.until(terminal.ended, "the end")
        assert terminal.code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["view", "nowhere.jsonl"], "no such file"),
        (["view", "."], "not a regular file"),
        (["view", "-"], "the dashboard needs a terminal"),
        (["view", "-", "--at", "3"], "the dashboard needs a terminal"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(arguments: list[str], words: str) -> None:
    done = subprocess.run([command(), *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_missing_stall_is_refused(stalled: Path, tmp_path: Path) -> None:
    line = [command(), "view", str(stalled), "--until-stall", "7"]
    with Terminal(line, cwd=tmp_path) as terminal:
        terminal.until(lambda: "it has 1 stall" in terminal.text, "why not")
        terminal.until(terminal.ended, "the end")
        assert terminal.code == 2
    with Terminal([*line[:-1], "1"], cwd=tmp_path) as terminal:
        terminal.until(lambda: "STALLED" in terminal.text and "stall 1 of 1" in terminal.text, "the stall")
        terminal.press("q")
        terminal.until(terminal.ended, "the end")
