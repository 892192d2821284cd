"""Counts of a connection whose records may be lost are marked as lower bounds."""

import re

from echo_servers.records import Lost, New, Recv
from echo_tui.model.observations import Observation
from echo_tui.tui.panels.connections import ConnectionsPanel

from tests.tui.stage import rendered
from tests.tui.still import MS, NOW, PID, Still, run


async def test_counts_after_a_loss_are_marked_as_lower_bounds() -> None:
    lost = Lost(NOW - 3 * MS, PID, PID, events=20, recv=10, recv_bytes=10, send=10, send_bytes=10)
    fresh: list[Observation] = [New(NOW - 2 * MS, PID, PID, 99, "127.0.0.1:9999"), Recv(NOW - MS, PID, PID, 99, 5, "x")]
    app = Still("asyncio-blocking", [*run(), lost, *fresh])
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        heading, *rows = rendered(app.query_one(ConnectionsPanel))[1:]
    assert "recv" in heading
    open_before = [row for row in rows if re.search(r":\d{5}", row)]
    assert open_before
    assert any("≥" in row for row in open_before)
    (whole,) = [row for row in rows if ":9999" in row]
    assert "≥" not in whole, "connected after the loss"
