"""A server that reports nothing, in the dashboard."""

from pathlib import Path

import pytest
from echo_servers.block import BlockSetting
from echo_servers.server import Options

from tests.ports import free_port
from tests.tui.stage import dashboard

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux shows what stalls")


async def test_events_and_stalls_are_inferred_and_the_screen_says_so() -> None:
    options, block = Options(port=free_port()), BlockSetting("sleep", 20)
    async with dashboard("asyncio", options=options, clients=2, block=block, reports=False) as stage:
        await stage.shows("2 open", "Events inferred from the kernel")
        stage.app.live.client_process.send([1], b"first\n")
        await stage.until(lambda: stage.session.totals.recv_bytes, "it is read")
        stage.app.live.client_process.send([2], b"second\n")
        await stage.shows("STALLED", "blocked")
        await stage.until(lambda: "block.py" in str(stage.panel("timeline").border_subtitle), "the line to blame")
