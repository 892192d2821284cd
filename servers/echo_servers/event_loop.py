"""Shared by the asyncio patterns: a loop that writes reports before it waits, and reports lacking descriptors once."""

import asyncio
import selectors
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from echo_servers.listener import OUT_OF_DESCRIPTORS, listen
from echo_servers.report import Report
from echo_servers.server import BACKLOG, Server


class ReportingSelector(selectors.DefaultSelector):
    """The platform's best selector (epoll, kqueue), which writes reports before each wait."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        report.buffer()

    def select(self, timeout: float | None = None) -> Any:
        self._report.flush()
        return super().select(timeout)


def run(server: Server, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
    """Serve each connection with a new protocol, endlessly."""

    async def start(listener: socket.socket) -> None:
        await asyncio.get_running_loop().create_server(protocol, sock=listener, backlog=BACKLOG)

    run_loop(server, start)


StreamHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run_streams(server: Server, handler: StreamHandler, prepare: Callable[[], None] | None = None) -> None:
    """Serve each connection with a new coroutine, endlessly; `prepare` is called first, with the loop running."""

    async def start(listener: socket.socket) -> None:
        if prepare:
            prepare()
        await asyncio.start_server(handler, sock=listener, backlog=BACKLOG)

    run_loop(server, start)


def run_loop(server: Server, start: Callable[[socket.socket], Awaitable[None]]) -> None:
    """Run an event loop that serves the listening socket, endlessly."""
    listener = listen(server)
    server.report.worker("event loop")
    loop = new_loop(server.report, ReportingSelector(server.report))
    loop.run_until_complete(start(listener))
    loop.run_forever()


def new_loop(report: Report, selector: ReportingSelector) -> asyncio.SelectorEventLoop:
    """Return a loop that waits with this selector, and reports when it runs out of descriptors."""
    loop = asyncio.SelectorEventLoop(selector)
    loop.set_exception_handler(lambda loop, context: _explain(report, loop, context))
    return loop


def _explain(report: Report, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in OUT_OF_DESCRIPTORS:
        report.out_of_descriptors()
    else:
        loop.default_exception_handler(context)
