"""Processes that execute blocking calls for an event loop, one at a time each; they serve no client."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing.process import BaseProcess, current_process
from pathlib import Path

from echo_servers.block import CALLS, BlockSetting
from echo_servers.server import Server
from echo_servers.workers import NOBODY_LEFT, report_death, start_process

ORDER_BYTES = 100


class Helper:
    """A helper process, and the socket through which it receives calls and reports their end."""

    def __init__(self, process: BaseProcess, channel: socket.socket) -> None:
        self.process = process
        self.channel = channel

    async def call(self, setting: BlockSetting) -> None:
        """Let the process execute a call; return when it ends, or when the process dies."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self.channel, setting.spec.encode())
            await loop.sock_recv(self.channel, 1)
        except ConnectionError:
            return


class Helpers:
    """A fixed number of helper processes; they end with the server, however that ends."""

    def __init__(self, server: Server, count: int) -> None:
        self._server = server
        self._alive: list[Helper] = []
        self._idle: asyncio.Queue[Helper] = asyncio.Queue()
        owned: list[int] = []
        for number in range(1, count + 1):
            ours, theirs = socket.socketpair()
            owned.append(ours.fileno())
            process = start_process(f"helper {number}", owned, _obey, server, theirs)
            theirs.close()
            ours.setblocking(False)
            helper = Helper(process, ours)
            self._alive.append(helper)
            self._idle.put_nowait(helper)

    @property
    def count(self) -> int:
        """The number of living helpers."""
        return len(self._alive)

    def watch(self) -> None:
        """Let the running event loop report the death of a helper."""
        loop = asyncio.get_running_loop()
        for helper in self._alive:
            loop.add_reader(helper.process.sentinel, self._died, helper)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Helper]:
        """Reserve a helper, once one is idle."""
        helper = await self._idle.get()
        while helper not in self._alive:
            helper = await self._idle.get()
        try:
            yield helper
        finally:
            self._idle.put_nowait(helper)

    def _died(self, helper: Helper) -> None:
        asyncio.get_running_loop().remove_reader(helper.process.sentinel)
        self._alive.remove(helper)
        report_death(helper.process, self._server)
        if not self._alive:
            # At once: an exception would unwind the loop, and every coroutine would report it.
            self._server.report.flush()
            print(NOBODY_LEFT, file=sys.stderr, flush=True)
            os._exit(1)


def _obey(server: Server, channel: socket.socket) -> None:
    """Execute one call after the other, under a process name of its own where the system has names."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(current_process().name)
    while order := channel.recv(ORDER_BYTES):
        setting = BlockSetting.parse(order.decode())
        CALLS[setting.kind](setting.seconds)
        channel.sendall(b"!")
