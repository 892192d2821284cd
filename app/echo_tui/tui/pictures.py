"""Pictures of the dashboard, drawn without a terminal."""

import asyncio

from echo_tui.run.plan import Plan
from echo_tui.run.recorded import Recorded
from echo_tui.tui.app import EchoTui


def picture(recorded: Recorded, size: tuple[int, int], theme: str | None = None) -> str:
    """Return an SVG of a recording as the dashboard shows it now, in a terminal of this size."""
    return asyncio.run(_drawn(recorded, size, theme))


async def _drawn(recorded: Recorded, size: tuple[int, int], theme: str | None) -> str:
    app = EchoTui(Plan(), theme=theme, live=recorded)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        return app.export_screenshot(title="echo-tui")
