"""What all tests share: a garbage collector that leaves alone what the collection of the tests left behind."""

import gc

import pytest
from echo_tui.__main__ import YOUNG


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the collector from checking thousands of modules and tests again and again: it took a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
