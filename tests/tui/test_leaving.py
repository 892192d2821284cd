"""Quitting, screenshots, and colours."""

import re
from pathlib import Path

import pytest
from echo_tui.tui.app import EchoTui
from echo_tui.tui.dialogs import Confirm
from echo_tui.tui.palette import THEMES

from tests.tui.stage import Stage, dashboard


async def ended(stage: Stage) -> bool:
    """Return whether the dashboard is exiting."""
    await stage.pilot.pause()
    return stage.app._exit or not stage.app.is_running


async def test_quits_at_once_if_nothing_is_lost() -> None:
    async with dashboard() as stage:
        await stage.press("q")
        assert await ended(stage)
    async with dashboard("multithread") as stage:
        await stage.press("q")
        assert await ended(stage)
    assert stage.app.return_value == 0


async def test_asks_before_quitting_a_server_with_clients() -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.until(lambda: stage.session.totals.new == 2, "two clients")
        await stage.press("q")
        assert isinstance(stage.app.screen, Confirm)
        await stage.shows("A server is running with 2 clients. Quit?")
        await stage.press("escape")
        assert not await ended(stage)
        await stage.press("i", "ctrl+c", "y")
        assert await ended(stage)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_key_that_quits_is_no_answer_to_another_question(key: str) -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.connected(2)
        await stage.press("a", "c")
        assert isinstance(stage.app.screen, Confirm)
        await stage.press(key)
        assert not isinstance(stage.app.screen, Confirm)
        await stage.few_redraws()
        assert stage.app.live.clients == 2
        assert stage.app.is_running


async def test_does_not_ask_once_the_server_is_stopped() -> None:
    async with dashboard("multithread", clients=1) as stage:
        await stage.connected(1)
        await stage.press("space", "q")
        assert await ended(stage)


async def test_screenshot_is_saved_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with dashboard("multithread") as stage:
        await stage.press("ctrl+s")
        await stage.shows("Picture saved in screenshots/", "echo-tui-multithread-")
    (picture,) = (tmp_path / "screenshots").iterdir()
    assert re.fullmatch(r"echo-tui-multithread-\d{8}-\d{6}\.svg", picture.name)
    assert "Timeline" in picture.read_text()


async def test_two_screenshots_of_one_second_have_a_file_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(EchoTui, "picture_name", lambda app: "echo-tui-now")
    async with dashboard("multithread") as stage:
        await stage.press("ctrl+s", "ctrl+s")
        await stage.shows("echo-tui-now.svg", "echo-tui-now-2.svg")
    assert all("</svg>" in each.read_text() for each in (tmp_path / "screenshots").iterdir())


@pytest.mark.parametrize("obstacle", ["a file", "no place to write"])
async def test_screenshot_that_cannot_be_saved(obstacle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if obstacle == "a file":
        (tmp_path / "screenshots").touch()
        monkeypatch.chdir(tmp_path)
    elif Path("/proc/self").exists():
        monkeypatch.chdir("/proc")  # where root can't write either
    else:
        pytest.skip("no /proc here")
    async with dashboard() as stage:
        await stage.press("ctrl+s")
        await stage.shows("No picture:", "screenshots")
        await stage.press("n")
        assert stage.app.live.clients == 1


async def test_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard("multithread", clients=1) as stage:
        await stage.until(lambda: "connected" in stage.chips().get("1", ""), "a client")
        await stage.press("b")
        await stage.say("hogehoge")
        await stage.until(lambda: "blocks" in stage.chips()["1"], "it waits")
        await stage.until(lambda: "▆" in stage.shown("timeline"), "its shape")
        colours = set(re.findall(r"#[0-9a-f]{6}", stage.app.export_screenshot()))
        grey = {colour for colour in colours if len({colour[1:3], colour[3:5], colour[5:7]}) == 1}
        assert len(colours - grey) <= 4, "the window's own three buttons, and hardly more"


async def test_theme_key_cycles_and_every_theme_works() -> None:
    own = [theme.name for theme in THEMES]
    async with dashboard("multithread", clients=1, theme=own[1]) as stage:
        assert stage.app.theme == own[1]
        assert not stage.app.palette.dark
        await stage.press("t")
        assert stage.app.theme == own[0]
        assert stage.app.palette.dark
        for name in ("textual-light", "nord", "ansi-dark"):
            assert name in stage.app.available_themes
            stage.app.theme = name
            await stage.few_redraws()
            assert "connected" in stage.chips()["1"]
    async with dashboard(theme="no such theme") as stage:
        assert stage.app.theme == own[0]
