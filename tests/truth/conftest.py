"""Tests here are repeated if a measurement got too little CPU time (`Starved`), and for no other failure."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=5, reruns_delay=2, only_rerun=["Starved"]))
