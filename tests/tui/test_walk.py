"""A new user's first session, with only the keys that the footer shows."""

import pytest
from echo_servers.catalog import PATTERNS
from echo_tui.tui.panels.patterns import PatternsPanel
from textual.widgets import Input

from tests.tui.stage import Stage, dashboard

BLOCK = 3
"""Length of a block (s), so long that waiting clients are seen even on a busy machine."""


async def start(stage: Stage, name: str) -> None:
    """Start a pattern of the list with the arrow keys and Enter, as the footer shows."""
    names = [pattern.name for pattern in PATTERNS]
    await stage.until(stage.footer, "the footer")
    while "↑↓⏎ start" not in stage.shown("keys"):
        await stage.by_footer("panel")
    here = names.index(stage.app.query_one(PatternsPanel).pattern.name)
    there = names.index(name)
    await stage.press(*["down" if there > here else "up"] * abs(there - here), "enter")
    await stage.serving(name)


async def say(stage: Stage, words: str) -> None:
    await stage.by_footer("type")
    await stage.until(lambda: isinstance(stage.app.focused, Input), "the input")
    await stage.write(words)
    await stage.by_footer("send")
    await stage.by_footer("back")
    await stage.until(lambda: "quit" in stage.footer(), "the panels")


async def set_block(stage: Stage, setting: str) -> None:
    await stage.press("B")
    await stage.shows("Blocking call: KIND:SECONDS")
    await stage.write(setting)
    await stage.press("enter")
    await stage.until(lambda: "ON" in stage.shown("header"), "the block")


def begins(stage: Stage, **wanted: str) -> bool:
    chips = stage.chips()
    return all(chips.get(name[1:], "").startswith(words) for name, words in wanted.items())


@pytest.mark.slow
async def test_from_everybody_waits_to_only_the_sender_waits() -> None:
    async with dashboard() as stage:
        await start(stage, "asyncio-blocking")
        assert "block: sleep:20 ON" in stage.shown("header")
        for number in ("1", "2", "3"):
            await stage.by_footer("client")
            await stage.until(lambda number=number: number in stage.chips(), "the client")  # type: ignore[misc]
        await stage.until(lambda: begins(stage, _1="connected", _2="connected", _3="connected"), "all are accepted")
        ports = [stage.connection(client).peer for client in (1, 2, 3)]
        assert len(set(ports)) == 3

        await say(stage, "hogehoge")
        await stage.until(
            lambda: begins(stage, _3="blocks", _1="waits for [3]", _2="waits for [3]"), "one blocks, two wait"
        )
        await stage.press("a")
        await say(stage, "all of you")
        await stage.until(
            lambda: [words.startswith("waits for") for words in stage.chips().values()].count(True) == 2, "all wait"
        )
        await stage.until(lambda: "blocked" in stage.shown("timeline"), "why")

        await start(stage, "multithread")
        await stage.until(lambda: begins(stage, _1="connected", _2="connected", _3="connected"), "the same clients")
        assert sorted(stage.session.clients) == [1, 2, 3]
        await set_block(stage, f"sleep:{BLOCK}")
        await stage.by_footer("block off")
        await stage.by_footer("block on")
        while "▶[2]" not in stage.shown("client-list"):
            await stage.by_footer("choose")
        await say(stage, "mogemoge")
        await stage.until(lambda: begins(stage, _2="blocks"), "the sender waits")
        assert begins(stage, _1="connected", _3="connected")
        await stage.until(lambda: begins(stage, _2="echo in"), "its echo")
        assert not [c for c in (1, 3) if stage.connection(c).waits]
        await stage.by_footer("block off")

        await start(stage, "single-thread")
        await stage.until(
            lambda: (
                list(stage.chips().values()).count("connected") == 1 and "not accepted" in stage.shown("connections")
            ),
            "one is served",
        )
        waiting = [words for words in stage.chips().values() if words.startswith("not accepted")]
        assert len(waiting) == 2
