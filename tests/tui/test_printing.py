"""A server that prints while its stdout is held: the screen names the line that blocks; reading stdout unblocks it."""

import pytest
from echo_servers.catalog import find
from echo_servers.server import Options
from echo_tui.diagnosis.stall import Cause

from tests.crossed import seldom
from tests.tui.stage import SIZES, dashboard


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]))
async def test_line_that_prints_is_blamed(size: tuple[int, int]) -> None:
    async with dashboard("asyncio", size, options=Options(port=0, print=True), clients=3) as stage:
        await stage.connected(3)
        await stage.press("5")
        await stage.shows("stdout: New client: ")
        stage.app.live.load([], 30, 64)
        await stage.until(lambda: stage.session.totals.echoes > 30, "chatter")
        await stage.press("o")
        await stage.until(lambda: any(len(s.victims) == 3 for s in stage.session.stalls.going.values()), "all wait")
        await stage.shows("STALLED", "stdout held", "blocked", "printed.py:")
        echoes = stage.session.totals.echoes
        await stage.press("o")
        await stage.until(lambda: stage.session.totals.echoes > echoes + 30, "everybody is served again")
        await stage.until(lambda: not stage.session.stalls.going, "the end of the stall")


@pytest.mark.slow
async def test_held_stdout_stays_held_for_the_next_pattern() -> None:
    async with dashboard("asyncio") as stage:
        await stage.until(lambda: "stop" in stage.footer(), "the footer")
        assert "hold stdout" not in stage.footer()
        await stage.press("o")
        assert not stage.app.live.output_held
    async with dashboard("asyncio", options=Options(port=0, print=True), clients=2) as stage:
        await stage.connected(2)
        await stage.press("o")
        stage.app.start_from_palette(find("asyncio-naive"))
        await stage.serving("asyncio-naive")
        assert stage.session.printed.held
        stage.app.live.load([], 50, 64)
        await stage.until(
            lambda: any(s.cause is Cause.BLOCKED for s in stage.session.stalls.going.values()), "it stops"
        )


async def test_no_pattern_is_offered_as_the_fix_of_held_stdout() -> None:
    async with dashboard("asyncio", options=Options(port=0, print=True), clients=2) as stage:
        await stage.connected(2)
        await stage.until(stage.offers_fix, "of the block")
        await stage.press("o")
        await stage.until(lambda: not stage.offers_fix(), "none")
        assert "→ asyncio to a thread" not in stage.shown("patterns")
        await stage.press("x")
        assert stage.notices()[-1] == "Nobody reads stdout, and no pattern fixes that: o reads it again"
        await stage.press("o")
        await stage.until(stage.offers_fix, "of the block, again")
