"""A stream gives the same session however it is divided into chunks."""

import itertools
import os

from echo_tui.model.observations import ENCODER, Observation
from echo_tui.run.header import new_header
from echo_tui.run.streamed import Streamed
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.plain import plain
from tests.model.streams import anything, worlds
from tests.recording.made import SECOND, few
from tests.recording.test_replay import folded

HEADER = ENCODER.encode(new_header("asyncio", {}, SECOND)) + b"\n"


def streamed(data: bytes, cuts: list[int]) -> Streamed:
    """Send data through a pipe in pieces, each of which is read before the next is written."""
    read_end, write_end = os.pipe()
    os.write(write_end, HEADER)
    source = Streamed(read_end)
    try:
        places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
        for begin, end in itertools.pairwise(places):
            os.write(write_end, data[begin:end])
            while source.drain():
                pass
    finally:
        os.close(write_end)
        while source.drain():
            pass
        source.close()
    return source


@given(st.one_of(worlds("lost").map(lambda world: world.said), anything), st.lists(st.integers(0, 20_000), max_size=30))
@settings(deadline=None, max_examples=100)
def test_any_chunking_gives_the_same_session(observations: list[Observation], cuts: list[int]) -> None:
    found = [*few(2), *observations]
    data = ENCODER.encode_lines(found)[:60_000]  # fits into a pipe
    data = data[: data.rfind(b"\n") + 1]
    count = data.count(b"\n")
    assert plain(streamed(data, cuts).session) == plain(folded(found[:count]))
