"""The server's lane of the timeline: each label names the stall or block on or beside it, and none is covered."""

import re
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Cause, Stall, Verdict
from echo_tui.diagnosis.targets import OnThread
from echo_tui.model.blocks import BlockSpan
from echo_tui.model.observations import ServerStarted
from echo_tui.session.session import Session
from echo_tui.tui import text
from echo_tui.tui.lanes import Window
from echo_tui.tui.palette import Palette
from echo_tui.tui.server_lane import SEAM, server_lane
from echo_tui.tui.view import View
from echo_tui.words.stalls import label, short
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from tests.tui.stage import dashboard

SECOND = 1_000_000_000
BEGIN = 1_000 * SECOND
NOW = BEGIN + 30 * SECOND
PALETTE = Palette(**{f.name: Style(color=f"color({i + 1})") for i, f in enumerate(fields(Palette))} | {"dark": True})  # type: ignore[arg-type]


def at(seconds: float) -> int:
    return BEGIN + int(seconds * SECOND)


def stall(number: int, begin: float, end: float | None = None, cause: Cause = Cause.BLOCKED) -> Stall:
    return Stall(
        number,
        OnThread(1, number),
        at(begin),
        at(begin),
        end=at(end) if end is not None else 0,
        verdict=Verdict(cause=cause),
    )


def drawn(stalls: list[Stall], blocks: Sequence[BlockSpan] = (), width: int = 96, chosen: int | None = None) -> str:
    """Return the text of the lane for the last 30 s."""
    session = Session()
    session.apply(ServerStarted(BEGIN, "asyncio", 1, "127.0.0.1", 1, ["poll"]))
    session.blocks.spans.extend(blocks)
    view = View(session, NOW, PALETTE, None, None, session, NOW, {}, None, chosen is not None, chosen_stall=chosen)
    line = server_lane(view, Window(NOW, width, 30 * SECOND), stalls)
    return "".join(words for words, _ in line)


def block(begin: float, end: float) -> BlockSpan:
    return BlockSpan(at(begin), "sleep", end - begin, 1, 1, 1, False, True, at(end))


def test_stall_that_begins_before_its_block_covers_its_label() -> None:
    for end in range(6, 30):
        lane = drawn([stall(1, 4.99, end)], [block(5, end)])
        assert lane.count(" s ") == 1, lane
        assert f" blocked {end - 4.99:.1f} s " in lane
        assert "time.sleep" not in lane


def test_block_is_named_where_no_stall_covers_it() -> None:
    lane = drawn([stall(1, 20, 25)], [block(5, 25)])
    assert " time.sleep 20.0 s " in lane
    assert " blocked 5.0 s " in lane


def test_longest_or_chosen_of_simultaneous_stalls_is_named() -> None:
    both = [stall(1, 10, None, Cause.NOT_READING), stall(2, 12, None, Cause.ONE_CLIENT)]
    lane = drawn(both)
    assert " client not reading 20.0 s " in lane
    assert "busy" not in lane
    assert "busy with one client 18.0 s " in drawn(both, chosen=2)


def test_consecutive_stalls_are_separate() -> None:
    lane = drawn([stall(1, 10, 12), stall(2, 12.1, 14.1)])
    assert SEAM in lane
    assert lane.count(" s") == 2, lane
    assert lane.count("2.0 s") == 2, lane


def test_short_stall_has_its_label_beside_it() -> None:
    assert "─ blocked 2.0 s █" in drawn([stall(1, 10, 12)])
    assert "█ blocked 2.0 s ─" in drawn([stall(1, 1, 3)])
    assert " blocked 7.7 s █" in drawn([stall(1, 22.3)], width=22)


def test_start_of_its_block_leaves_room_for_a_stalls_label() -> None:
    assert "─ blocked 1.7 s █" in drawn([stall(1, 25.3, 27)], [block(25, 27)])


def test_short_stalls_close_together_each_show_their_length() -> None:
    for late in range(15):
        stalls = [stall(n, begin, begin + 0.7) for n, begin in enumerate((22 - late, 24.4 - late, 26.8 - late), 1)]
        lane = drawn(stalls)
        assert len(re.findall(r"0\.7 s|700 ms", lane)) == 3, lane


def test_short_stalls_before_another_block_show_their_length() -> None:
    for late in range(20):
        begins = (22.5 - late, 24.9 - late, 27.4 - late)
        blocks = [block(begin, begin + 0.7) for first in begins for begin in (first, first + 0.7)]
        lane = drawn([stall(n, begin, begin + 0.7) for n, begin in enumerate(begins, 1)], blocks, 98)
        assert len(re.findall(r"0\.7 s|700 ms", lane)) == 3, lane


def test_label_beside_a_stall_is_separate_from_the_last_stall() -> None:
    lane = drawn([stall(1, 10, 12), stall(2, 17, 19)])
    assert "█─" in lane
    assert lane.count("blocked 2.0 s") == 2, lane


spans = st.tuples(st.floats(-10, 29), st.floats(0.1, 40), st.sampled_from(Cause), st.booleans())


def wordings(stalls: list[Stall], blocks: list[BlockSpan]) -> set[str]:
    """Return all labels that these stalls and blocks may have."""
    said = {"", "time.sleep", *(f"time.sleep {text.duration(block.end - block.begin)}" for block in blocks)}
    for one in stalls:
        length = text.duration(one.lasted(NOW)) if one.end else text.elapsed(one.lasted(NOW))
        said |= {
            length,
            text.elapsed(one.lasted(NOW)),
            f"{label(one.cause)} {length}",
            f"{short(one.cause)} {length}",
        }
    return said


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=3), st.integers(1, 120))
def test_every_label_on_the_lane_is_complete(
    stalls: list[tuple[float, float, Cause, bool]], blocks: list[tuple[float, float, Cause, bool]], width: int
) -> None:
    made = [stall(n, b, min(b + d, 30) if over else None, c) for n, (b, d, c, over) in enumerate(stalls, 1)]
    blocked = [block(b, b + d) for b, d, *_ in blocks]
    lane = drawn(made, blocked, width)
    assert len(lane) == width
    said = {words.strip() for words in re.split("[█▆▒▂─▐]|  +", lane)}
    assert said <= wordings(made, blocked), lane


def test_lane_is_as_wide_as_its_window() -> None:
    widths = [len(drawn([stall(1, 3, 9)], width=width)) for width in range(1, 60)]
    assert all(other - one == 1 for one, other in pairwise(widths))


async def test_processes_that_compute_are_counted() -> None:
    async with dashboard("process-pool", clients=2, block=BlockSetting("cpu", 2.0)) as stage:
        await stage.until(lambda: stage.session.totals.new == 2, "both are served")
        await stage.press("e")
        await stage.shows("2 processes compute")
