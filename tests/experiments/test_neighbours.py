"""Which client is to block and which others are measured, where several processes serve several clients each."""

import pytest
from echo_servers.catalog import PATTERNS
from echo_tui.experiments.neighbours import both_sorts, neighbours, shares_processes
from hypothesis import given
from hypothesis import strategies as st


def test_patterns_whose_processes_serve_several_clients() -> None:
    assert {pattern.name for pattern in PATTERNS if shares_processes(pattern)} == {
        "process-thread-pool",
        "process-loops",
    }


@pytest.mark.parametrize(
    ("homes", "chosen", "both"),
    [
        ([7, 8, 8, 8], [2, 3, 4, 1], True),
        ([7, 8, 7, 8], [1, 3, 2, 4], False),
        ([7, 7, 7, 7], [1, 2, 3, 4], False),
        ([7, 7, 7, 7, 8], [1, 2, 3, 5], True),
        ([6, 7, 8, 9], [1, 2, 3, 4], False),
    ],
)
def test_client_to_block_is_in_the_fullest_process(homes: list[int], chosen: list[int], both: bool) -> None:
    served = dict(enumerate(homes, 1))
    assert neighbours(served, 3) == chosen
    assert both_sorts(served, chosen) is both


@given(st.lists(st.integers(1, 3), min_size=4, max_size=16))
def test_requested_number_is_chosen_without_duplicates(homes: list[int]) -> None:
    chosen = neighbours(dict(enumerate(homes)), 3)
    assert len(chosen) == len(set(chosen)) == 4


def test_single_other_client_shares_the_process_if_possible() -> None:
    assert neighbours({1: 7, 2: 8, 3: 8}, 1) == [2, 3]
    assert both_sorts({1: 7, 2: 8, 3: 8}, [2, 3])
