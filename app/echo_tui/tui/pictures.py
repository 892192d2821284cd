"""Pictures of the dashboard, drawn without a terminal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from textual.pilot import Pilot

from echo_tui.reports.animation import Film
from echo_tui.run.plan import Plan
from echo_tui.run.recorded import Recorded
from echo_tui.tui.app import EchoTui

EACH = 200_000_000
"""The time (ns) between the pictures of an animation."""
ReportProgress = Callable[[float], None]


def picture(recorded: Recorded, size: tuple[int, int], theme: str | None = None) -> str:
    """Return an SVG of a recording as the dashboard shows it now, in a terminal of this size."""
    return asyncio.run(_picture(recorded, size, theme))


def animation(
    recorded: Recorded, span: tuple[int, int], size: tuple[int, int], progress: ReportProgress, theme: str | None = None
) -> str:
    """Return an animated SVG of a recording from one time (ns) to another. `progress` is called with the share done."""
    return asyncio.run(_animation(recorded, span, size, progress, theme))


async def _picture(recorded: Recorded, size: tuple[int, int], theme: str | None) -> str:
    async with _shown(recorded, size, theme) as (app, pilot):
        return await drawn(app, pilot)


async def _animation(
    recorded: Recorded, span: tuple[int, int], size: tuple[int, int], progress: ReportProgress, theme: str | None
) -> str:
    film, (begin, end) = Film(), span
    async with _shown(recorded, size, theme) as (app, pilot):
        for at in range(begin, end + 1, EACH):
            recorded.seek(at)
            film.add(await drawn(app, pilot))
            progress((at - begin) / max(end - begin, 1))
    return film.developed(size, EACH / 1e9)


@contextlib.asynccontextmanager
async def _shown(
    recorded: Recorded, size: tuple[int, int], theme: str | None
) -> AsyncIterator[tuple[EchoTui, Pilot[int]]]:
    recorded.paused = True
    app = EchoTui(Plan(), theme=theme, live=recorded)
    async with app.run_test(size=size) as pilot:
        yield app, pilot


async def drawn(app: EchoTui, pilot: Pilot[int]) -> str:
    """Return an SVG of a dashboard as it is now."""
    await pilot.pause()
    app.draw()
    await pilot.pause()
    return app.export_screenshot(title="echo-tui")
