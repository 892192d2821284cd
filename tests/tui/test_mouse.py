"""What the mouse does."""

from echo_servers.catalog import find
from echo_tui.tui.panels.patterns import PatternsPanel
from rich.style import Style
from textual import events
from textual.command import CommandList, CommandPalette

from tests.tui.stage import Stage, dashboard


async def click(stage: Stage, panel: str, words: str) -> None:
    """Click on words in a panel."""
    await stage.until(lambda: words in stage.shown(panel), f"{words} in {panel}")
    y, line = next((y, line) for y, line in enumerate(stage.lines(panel)) if words in line)
    inside = stage.panel(panel).content_region.offset - stage.panel(panel).region.offset
    await stage.pilot.click(f"#{panel}", offset=(inside.x + line.index(words), inside.y + y))


async def test_first_click_on_a_pattern_shows_it_and_second_starts_it() -> None:
    async with dashboard() as stage:
        await click(stage, "patterns", "select loop")
        await stage.until(lambda: "patterns/select_loop.py" in stage.shown("welcome"), "its source")
        assert not stage.app.live.running
        await click(stage, "patterns", "select loop")
        await stage.serving("select-loop")
        assert stage.app.query_one(PatternsPanel).pattern is find("select-loop")
        await click(stage, "patterns", "NON-BLOCKING")
        await stage.few_redraws()
        assert stage.session.server
        assert stage.session.server.pattern == "select-loop"


async def test_click_on_a_client_chooses_it() -> None:
    async with dashboard("multithread", clients=9) as stage:
        await stage.connected(9)
        await click(stage, "client-list", "[2]")
        await stage.shows("▶[2]", "to [2] >")
        await click(stage, "client-list", "[7]")
        await stage.shows("▶[7]")
        await click(stage, "client-list", "[all]")
        await stage.shows("▶[all]", "to all >")


async def test_click_on_a_footer_entry_executes_it() -> None:
    async with dashboard("multithread") as stage:
        await click(stage, "keys", "block on")
        await stage.shows("ON")
        await click(stage, "keys", "client")
        await stage.until(lambda: "choose" in stage.footer() and "block off" in stage.footer(), "its keys")
        await click(stage, "keys", "freeze")
        await stage.until(lambda: "go on" in stage.footer() and "FROZEN" in stage.text, "a frozen picture")
        await click(stage, "keys", "go on")
        await stage.until(lambda: "freeze" in stage.footer() and "FROZEN" not in stage.text, "it goes on")
        await click(stage, "keys", "stop")
        await stage.until(lambda: not stage.app.live.running, "no server")


async def test_wheel_scrolls_and_click_moves_the_cursor() -> None:
    async with dashboard("multithread", clients=30) as stage:
        await stage.until(lambda: stage.session.totals.new == 30, "thirty clients")
        events = stage.panel("events")
        await stage.until(lambda: events.last - events.first >= 30 + 3, "all are drawn, with how it began")
        await stage.until(lambda: events.top + events.rows == events.last, "the end is followed")
        top = events.top
        for _ in range(2):
            await stage.wheel("events", up=True)
        assert events.top == top - 6
        assert not events.following
        assert "End follows" in str(events.border_subtitle)
        await stage.pilot.click("#events", offset=(10, 3))
        assert events.cursor == events.top + 2
        assert stage.app.focused is events
        for _ in range(4):
            await stage.wheel("events")
        assert events.following
        connections = stage.panel("connections")
        await stage.pilot.click("#connections", offset=(10, 4))
        assert connections.cursor == connections.top + 2  # below the border and the heading


async def test_two_keys_of_one_footer_entry_are_clicked_separately() -> None:
    async with dashboard("multithread", clients=3) as stage:
        await stage.connected(3)
        stage.app.client = 1
        for key, chosen in (("→ choose", "[2]"), ("→ choose", "[3]"), ("←→ choose", "[2]")):
            await click(stage, "keys", key)
            await stage.shows(f"▶{chosen}")


async def test_click_on_a_removed_hit_does_nothing() -> None:
    async with dashboard("asyncio") as stage:
        await stage.press("ctrl+p")
        await stage.until(lambda: stage.app.screen.query(CommandList), "the palette")
        hits = stage.app.screen.query_one(CommandList)
        await stage.until(lambda: hits.option_count, "hits")
        row = Style.from_meta({"option": hits.option_count + 5})
        x, y = hits.region.offset
        hits.post_message(events.Click(hits, 0, 0, 0, 0, 1, False, False, False, x, y, style=row))
        await stage.few_redraws()
        assert stage.app.is_running
        assert isinstance(stage.app.screen, CommandPalette)
