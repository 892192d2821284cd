"""A listening socket of each address family, and Hypothesis settings without a deadline (as for the model)."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import settings

import tests.model.conftest  # noqa: F401 - registers the profile

settings.load_profile("patient")


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family, host = request.param
    with socket.socket(family) as opened:
        try:
            opened.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        opened.listen()
        yield opened
