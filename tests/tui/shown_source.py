"""The source that the pictures show; it never runs."""

import asyncio
import time


class BlockingEcho(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        time.sleep(20)  # holds the loop, and with it everybody
        self.transport.write(data)  # type: ignore[attr-defined]
