"""Times at which a worker made progress, and the gaps between them."""

from itertools import pairwise

from echo_tui.diagnosis.progress import GRAIN, Progress
from hypothesis import given
from hypothesis import strategies as st

moments = st.lists(st.integers(0, 100 * GRAIN), max_size=60)


@given(moments, st.integers(0, 100 * GRAIN), st.integers(2 * GRAIN, 30 * GRAIN))
def test_gaps_match_all_recorded_times(takes: list[int], begin: int, least: int) -> None:
    progress = Progress()
    for at in takes:
        progress.add(at)
    edges = [begin, *sorted(at for at in takes if at > begin)]
    assert progress.gaps(begin, least) == [(a, b) for a, b in pairwise(edges) if b - a >= least]
    assert progress.last == max(takes, default=0)
    assert bool(progress) == bool(takes)


def test_memory_is_bounded_for_a_hostile_server() -> None:
    progress = Progress()
    for at in range(20_000):
        progress.add(at * GRAIN)
    assert len(progress._grains) < 5000
