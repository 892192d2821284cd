"""Fixtures that start servers and stop them after the test."""

from collections.abc import Iterator

import pytest

from tests.servers.harness import SERVING, Running, Starter


@pytest.fixture
def start() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.stop_all()


@pytest.fixture(scope="module", params=SERVING)
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    """One server of each serving pattern, shared by all tests of a module."""
    starter = Starter()
    yield starter(request.param)
    starter.stop_all()
