"""Freezing the screen while the session continues, and scrolling back while new lines arrive."""

import pytest
from echo_servers.records import Recv

from tests.tui.stage import Stage, dashboard

LINES = 600
"""Lines that the log keeps in a test here: few, so that it is full sooner."""
STILL = ("timeline", "connections", "events", "cpu", "threads")


def picture(stage: Stage) -> dict[str, list[str]]:
    return {name: stage.lines(name) for name in STILL}


async def chatter(stage: Stage, rate: float) -> None:
    """Let all clients send `rate` messages a second, and wait until some echoes are counted."""
    stage.app.live.client_process.chatter([], rate, 16)
    await stage.until(lambda: stage.session.totals.echoes > 50, "chatter")


async def test_frozen_screen_does_not_change_while_counting_continues() -> None:
    async with dashboard("asyncio", clients=3) as stage:
        await stage.connected(3)
        await chatter(stage, 50)
        await stage.press("p")
        await stage.shows("FROZEN", "p goes on")
        before, echoes = picture(stage), stage.session.totals.echoes
        await stage.until(lambda: stage.session.totals.echoes > echoes + 100, "more echoes")
        await stage.press("4", "3", "1")  # other panels don't unfreeze it
        await stage.pilot.resize_terminal(100, 30)
        await stage.pilot.resize_terminal(160, 45)
        await stage.until(lambda: picture(stage) == before, "the same picture")
        frozen = stage.app.frozen
        assert frozen is not None
        missed = stage.session.totals.events - frozen[0].totals.events
        banner = str(stage.app.query_one("#banner").render())
        assert missed > 100
        assert int(banner.split()[1].replace(",", "")) <= missed
        await stage.press("p")
        await stage.until(lambda: picture(stage)["events"] != before["events"], "new events")
        assert "FROZEN" not in stage.text


async def test_starting_another_pattern_unfreezes_the_screen() -> None:
    async with dashboard("multithread", clients=1) as stage:
        await stage.connected(1)
        await stage.press("p")
        still = picture(stage)
        await stage.press("space")
        await stage.shows("stopped")
        assert picture(stage) == still
        await stage.press("full_stop")
        await stage.serving("thread-pool")
        await stage.until(lambda: "thread pool" in stage.shown("header"), "the new server")
        assert stage.app.frozen is None


async def test_scrolled_back_log_stays_in_place() -> None:
    async with dashboard("asyncio", clients=2) as stage:
        await stage.connected(2)
        await chatter(stage, 50)
        events = stage.panel("events")
        await stage.press("5", "home", "down", "down")
        held, cursor, total = stage.lines("events"), events.cursor, stage.session.log.total
        await stage.until(lambda: stage.session.log.total > total + 200, "more lines")
        await stage.few_redraws()
        assert (stage.lines("events"), events.cursor) == (held, cursor)
        await stage.press("end")
        await stage.until(lambda: events.following and events.last == stage.session.log.total, "the end")
        total = stage.session.log.total
        await stage.until(lambda: events.cursor > total + 50, "the end is followed again")


@pytest.mark.slow
async def test_cursor_keeps_its_line_when_old_lines_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo_tui.model.event_log.LINES", LINES)
    async with dashboard("asyncio", clients=1) as stage:
        await stage.connected(1)
        events, log = stage.panel("events"), stage.session.log

        async def fill(lines: int) -> None:
            while log.total < lines:
                stage.app.live.client_process.burst([], 100, 1024)
                bytes_ = stage.session.totals.send_bytes + 100 * 1024
                await stage.until(lambda: stage.session.totals.send_bytes == bytes_, "a burst")  # noqa: B023

        await fill(400)
        await stage.press("5", "end", "pageup")
        cursor, held = events.cursor, stage.lines("events")
        await stage.press("y")
        line = stage.app.clipboard
        await fill(LINES + 200)
        await stage.few_redraws()
        assert 0 < log.first < cursor
        assert (events.cursor, stage.lines("events")) == (cursor, held)
        await stage.press("y")
        assert stage.app.clipboard == line
        await fill(cursor + LINES + 100)
        await stage.until(lambda: events.cursor == events.top == log.first, "the oldest line that is there")
        assert not events.following


async def test_copied_lines_are_those_on_screen() -> None:
    async with dashboard("multithread", clients=2) as stage:
        await stage.until(lambda: stage.session.totals.new == 2, "two clients")
        stage.app.live.client_process.send([2], b"hogehoge\n")
        await stage.until(lambda: stage.session.totals.echoes == 1, "an echo")
        for key, panel in (("3", "connections"), ("5", "events"), ("7", "threads"), ("2", "timeline")):
            await stage.press(key, "home", "y")
            assert stage.app.focused is stage.panel(panel)
            assert stage.app.clipboard
            assert "\n" not in stage.app.clipboard
        await stage.press("5", "end", "y")
        entries = [record for record, _ in stage.session.log.slice(0, stage.session.log.total)]
        assert isinstance(entries[-2], Recv)
        assert "Send: b'hogehoge\\n' to 127.0.0.1:" in stage.app.clipboard


@pytest.mark.slow
async def test_panel_expands_to_the_whole_screen_and_back() -> None:
    async with dashboard("multithread", clients=2, size=(80, 24)) as stage:
        await stage.connected(2)
        for key in "12345678":
            await stage.press(key)
            focused = stage.app.focused
            await stage.press("f")
            if key == "9":
                continue  # the input is for typing
            alone = {"header", "keys", focused.id if focused else None}
            await stage.until(lambda: stage.visible() == alone, f"panel {key} alone")  # noqa: B023
            await stage.few_redraws()
            await stage.press("f")
            await stage.until(lambda: {"header", "keys", "timeline"} <= stage.visible(), "all of them")
            assert stage.app.focused is focused


async def test_rows_do_not_move_while_they_are_read() -> None:
    async with dashboard("thread-pool", clients=10) as stage:
        await stage.until(lambda: stage.session.totals.new == 10, "ten that are served")
        await stage.press("3", "down", "down")
        before = stage.lines("connections")
        await stage.open(1)
        await stage.shows("not accepted 1.")
        assert [line.split()[:2] for line in stage.lines("connections")] == [line.split()[:2] for line in before]
        await stage.press("home")
        await stage.until(lambda: "not accepted" in stage.lines("connections")[1], "who waits comes first again")


async def test_frozen_screen_can_be_drawn_while_the_app_ends() -> None:
    async with dashboard("multithread", clients=1) as stage:
        await stage.connected(1)
        await stage.press("p")
        await stage.until(lambda: stage.app.frozen, "it stands still")
        await stage.app.screen.query_one("#banner").remove()  # at the end the app removes its widgets one by one
        stage.app.draw()
