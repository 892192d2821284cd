"""Clients with other addresses than 127.0.0.1: their ports are shown in full even where there is little room."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from echo_servers.block import BlockSetting
from echo_servers.server import Options

from tests.crossed import seldom
from tests.tui.stage import SIZES, Stage, dashboard


@contextmanager
def external_clients(stage: Stage, host: str, source: str) -> Iterator[list[socket.socket]]:
    """Connect two external clients to `host`, from address `source` if given; yield their sockets."""
    server = stage.session.server
    assert server
    with ExitStack() as stack:
        address = (source, 0) if source else None
        made = [socket.create_connection((host, server.port), source_address=address) for _ in range(2)]
        yield [stack.enter_context(each) for each in made]


def ports(clients: list[socket.socket]) -> list[str]:
    return [str(client.getsockname()[1]) for client in clients]


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[0]), ids=str)
@pytest.mark.parametrize(("host", "source"), [("127.0.0.1", "127.10.20.30"), ("127.10.20.31", ""), ("::", "")])
async def test_port_is_shown_in_full_wherever_a_client_is_named(size: tuple[int, int], host: str, source: str) -> None:
    listens = "0.0.0.0" if host == "127.10.20.31" else host
    options = Options(host=listens, port=0)
    async with dashboard("asyncio", size, options=options, block=BlockSetting("sleep", 3)) as stage:
        with external_clients(stage, "127.0.0.1" if host == "::" else host, source) as clients:
            await stage.until(lambda: len(stage.session.connections) == 2, "both are accepted")
            for client in clients:
                client.sendall(b"x")
            await stage.until(lambda: all(port in stage.shown("timeline") for port in ports(clients)), "their lanes")
            await stage.press("4")
            await stage.until(
                lambda: any(port in line for line in stage.lines("stalls") for port in ports(clients)), "who waits"
            )


@pytest.mark.parametrize("size", seldom(SIZES, SIZES[1]), ids=str)
async def test_thread_names_the_client_that_it_waits_for(size: tuple[int, int]) -> None:
    async with dashboard("multithread", size) as stage:
        with external_clients(stage, "127.0.0.1", "127.10.20.30") as clients:
            await stage.press("7")
            await stage.until(lambda: all(port in stage.shown("threads") for port in ports(clients)), "the threads")
            if size == SIZES[-1]:
                await stage.until(
                    lambda: all(f"recv for …{p}" in stage.shown("threads") for p in ports(clients)), "the peers"
                )
