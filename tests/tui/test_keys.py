"""The footer, the help and the palette: they show what works now, with the configured keys."""

import re
from pathlib import Path

import pytest
from echo_servers.catalog import PATTERNS
from echo_tui.config import Config
from echo_tui.run.live import Live
from echo_tui.session.stall_snapshots import StallSnapshots
from echo_tui.tui.help import Help
from echo_tui.tui.keys import ALL_KEYS, KEYS, RECORDING
from textual.widgets import Input

from tests.tui.stage import SIZES, Stage, dashboard, screen_text
from tests.tui.still import Still, run


async def test_footer_without_clients_and_without_a_server() -> None:
    async with dashboard() as stage:
        await stage.until(lambda: "start" in stage.footer(), "the footer")
        footer = stage.footer()
        assert {"client", "type", "block on", "help", "quit", "freeze"} <= set(footer)
        assert {"choose", "all", "load", "burst", "close", "reset", "stop", "back"}.isdisjoint(footer)


async def test_footer_follows_the_state() -> None:
    async with dashboard("multithread") as stage:
        await stage.until(lambda: "stop" in stage.footer() and "choose" not in stage.footer(), "a server")
        await stage.open(1)
        await stage.until(lambda: {"choose", "all", "load", "close"} <= set(stage.footer()), "keys of clients")
        await stage.press("b", "p")
        await stage.until(lambda: {"block off", "go on", "back"} <= set(stage.footer()), "frozen, with the block on")
        await stage.press("p", "i")
        await stage.until(lambda: "send" in stage.footer(), "typing")
        assert {"stop", "client", "type", "close", "quit", "freeze", "help"}.isdisjoint(stage.footer())
        await stage.press("n", "b", "q", "p", "question_mark", "c")
        assert stage.app.screen.query_one("#line", Input).value == "nbqp?c"
        assert len(stage.session.clients) == 1
        await stage.press("escape", "space")
        await stage.until(lambda: "stop" not in stage.footer(), "no server")


async def test_only_a_dialogs_own_keys_work_in_it() -> None:
    async with dashboard("multithread") as stage:
        await stage.open(1)
        for press in ("B", "N", "question_mark", "ctrl+p", "q"):
            await stage.press(press)
            await stage.until(lambda: stage.footer() == {"ok": "enter", "back": "escape"}, "a dialog")
            screen = stage.app.screen
            await stage.press("tab", "ctrl+s", "ctrl+p", "tab", "f1", "1")
            assert stage.app.screen is screen
            await stage.press("escape")
            await stage.until(lambda: "stop" in stage.footer(), "the dashboard")
            assert stage.app.live.running


async def test_footer_fits_and_keeps_the_important_keys() -> None:
    wanted = {"start", "thread pool", "block on", "client", "type", "help", "quit"}
    async with dashboard("multithread") as stage:
        await stage.open(1)
        for width, height in SIZES:
            await stage.pilot.resize_terminal(width, height)
            await stage.until(lambda: stage.app.size == (width, height) and wanted <= set(stage.footer()), "it fits")  # noqa: B023


async def test_stall_keys_say_that_there_is_no_stall() -> None:
    async with dashboard("multithread") as stage:
        await stage.until(lambda: "stop" in stage.footer(), "the footer")
        assert "[ ] stalls" not in stage.shown("keys")
        await stage.press("left_square_bracket")
        await stage.shows("No stall of this server so far")
        stage.app.clear_notifications()
        await stage.press("right_square_bracket")
        await stage.shows("No stall of this server so far")
        assert not stage.app.frozen


async def test_stall_without_a_snapshot_cannot_be_shown() -> None:
    app = Still("asyncio-blocking", run())
    async with app.run_test(size=(160, 45), notifications=True) as pilot:
        assert app.session.stalls.count
        await pilot.pause()
        app.draw()
        assert "[ ] stalls" in screen_text(app.screen)
        app.live.stall_snapshots = StallSnapshots()
        app.draw()
        await pilot.press("left_square_bracket")
        assert [notice.message for notice in app._notifications] == ["No picture of a stall so far"]
        assert "[ ] stalls" not in screen_text(app.screen)
        assert not app.frozen


async def test_usable_clients_are_those_of_the_live_run(monkeypatch: pytest.MonkeyPatch) -> None:
    present = [2]
    monkeypatch.setattr(Live, "present", property(lambda _: present))
    app = Still("asyncio-blocking", run())
    async with app.run_test():
        app.action_choose(1)
        assert app.client == 2
        app.action_choose(1)
        assert app.client is None
        assert app.view().usable
        assert app.check_action("close_client", (False,))
        present.clear()
        assert not app.view().usable
        assert not app.check_action("close_client", (False,))


async def test_footer_offers_stalls_once_there_is_one() -> None:
    async with dashboard("single-thread", clients=2) as stage:
        await stage.until(lambda: "[ ] stalls" in stage.shown("keys"), "the key")
        await stage.press("right_square_bracket")
        await stage.shows("This is what goes on now")


async def test_configured_keys() -> None:
    keys = {"freeze": "z", "new": "x,f2", "start": "g", "help": "h", "hop": "f3"}
    async with dashboard("multithread", config=Config(keys=keys)) as stage:
        await stage.until(lambda: "freeze" in stage.footer(), "the footer")
        footer = stage.footer()
        assert (footer["freeze"], footer["start"], footer["client"], footer["help"]) == ("z", "g", "x", "h")
        await stage.press("n", "p")
        assert stage.app.frozen is None
        assert not stage.app.live.clients
        await stage.press("z")
        assert stage.app.frozen is not None
        await stage.press("z", "x", "f2")
        assert stage.app.live.clients == 2
        await stage.press("f3")
        assert stage.app.focused is stage.panel("timeline")
        await stage.press("h")
        assert isinstance(stage.app.screen, Help)
        text = stage.text
        assert "z   Hold the picture still" in text
        assert "x f2   Open a client" in text
        assert "p   Hold" not in text
        await stage.press("escape")


async def test_help_lists_every_key_on_the_smallest_screen() -> None:
    async with dashboard(size=(80, 24)) as stage:
        await stage.press("question_mark")
        read = stage.text
        for _ in range(5):
            await stage.press("pagedown")
            read += stage.text
        missing = [key.help for key in ALL_KEYS if key.help not in read]
        assert not missing
        await stage.press("q")
        assert len(stage.app.screen_stack) == 1


async def test_palette_has_every_action_and_pattern() -> None:
    async with dashboard() as stage:
        titles = [command.title for command in stage.app.get_system_commands(stage.app.screen)]
        assert len(titles) == len(set(titles))
        assert {f"Start {pattern.title}" for pattern in PATTERNS} <= set(titles)
        without = {"quit-now", "leave", "start", "palette"}  # useless there, or there under another name
        assert {key.help for key in ALL_KEYS if key.id not in without and key.group != RECORDING} <= set(titles)


async def from_palette(stage: Stage, words: str) -> None:
    await stage.press("ctrl+p")
    await stage.until(lambda: len(stage.app.screen_stack) == 2, "the palette")
    await stage.write(words)
    await stage.until(lambda: stage.app.screen.query("CommandList").first().display, "a hit")
    await stage.pilot.pause(0.3)
    await stage.press("enter")
    await stage.until(lambda: len(stage.app.screen_stack) == 1, "the dashboard")


async def test_palette_executes_actions() -> None:
    async with dashboard() as stage:
        await from_palette(stage, "Start thread per client")
        await stage.serving("multithread")
        await from_palette(stage, "To the threads panel")
        await stage.until(lambda: stage.app.focused is stage.panel("threads"), "the threads")


def test_documentation_names_every_configurable_key() -> None:
    said = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z-]+", said.partition("The ids: `")[2].partition("`,")[0]))
    assert named == {key.id for key in KEYS}


def test_no_two_actions_have_the_same_key() -> None:
    keys = [key for one in ALL_KEYS for key in one.key.split(",")]
    assert sorted(keys) == sorted(set(keys))


async def test_footer_says_how_to_start_a_stopped_server_again() -> None:
    async with dashboard("asyncio", (80, 24)) as stage:
        await stage.press("2")
        assert stage.app.focused is not stage.panel("patterns")
        await stage.press("space")
        await stage.until(lambda: not stage.app.live.running and "start" in stage.footer(), "the key to start it")
        await stage.by_footer("start")
        await stage.serving("asyncio")
