"""Draw the pictures of README and docs from the recordings in the repository: `make screenshots`.

`--record NAMES` first makes these recordings again by real runs; without names, all of them.
"""

import asyncio
import gzip
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from echo_servers.catalog import PATTERNS
from echo_tui.experiments.measure import Measured
from echo_tui.experiments.report import markdown
from echo_tui.reports.animation import Film
from echo_tui.run.plan import Plan
from echo_tui.tui.matrix import MatrixScreen
from echo_tui.tui.panels.patterns import PatternsPanel
from echo_tui.tui.pictures import drawn
from textual.pilot import Pilot
from textual.widgets import DataTable

from tests.screenshots.played import Played, Resting, Screen
from tests.screenshots.runs import RECORDINGS, RUNS, Cells

FOLDER = Path("screenshots")
BEGIN, END = "<!-- the matrix, by make screenshots -->", "<!-- until here -->"
WIDE, TALK = (160, 45), (100, 30)
SECOND = 1_000_000_000
INTERVAL = SECOND // 2
"""Interval (ns) at which the recording is drawn before the picture, so that the dashboard detects steps of the tour."""
EACH = SECOND // 5
STILL = 2 * SECOND
"""How long (ns) after the report of the stall the still frame is drawn that replaces the animation (reduced motion)."""


@dataclass(frozen=True)
class Picture:
    """A picture of a recording: at its end, or some seconds after its first stall is reported."""

    name: str
    recording: str
    size: tuple[int, int]
    after_stall: float | None = None
    client: int | None = None
    keys: tuple[str, ...] = ()
    theme: str | None = None
    starts: bool = True
    span: float = 0.0
    """For an animation: how many seconds before the report of the stall it begins; it ends with the recording."""


PICTURES = (
    Picture("dashboard", "dashboard", WIDE, client=2),
    Picture("stall", "stall", TALK, client=2, span=3.0),
    Picture("single-thread", "single-thread", WIDE, client=1),
    Picture("projector", "dashboard", TALK, client=2, theme="echo-projector"),
    Picture("stage", "stage", TALK, 1.5, keys=("z",)),
    Picture("attach", "attach", TALK, 0.8, starts=False),
)


async def draw(picture: Picture) -> str:
    """Draw and return a picture."""
    played = Played(RECORDINGS / f"{picture.recording}.jsonl.gz", picture.starts)
    replay = played.replay
    known = replay.stalls[0].at if replay.stalls else replay.end
    until = replay.end if picture.after_stall is None else known + int(picture.after_stall * SECOND)
    app = Screen(played, picture.theme)
    app.client = picture.client
    async with app.run_test(size=picture.size) as pilot:
        if played.pattern:
            app.highlighted = played.pattern
            app.query_one(PatternsPanel).put(played.pattern)
        await pilot.press(*picture.keys)
        begin = known - int(picture.span * SECOND) if picture.span else until
        for at in range(replay.begin, begin, INTERVAL):
            played.go(at)
            app.draw()
        return await (frames(app, pilot, begin, until, picture.size) if picture.span else last(app, pilot, until))


async def last(app: Screen, pilot: Pilot[int], at: int) -> str:
    """Return the screen at a time (ns)."""
    app.played.go(at)
    return named(await drawn(app, pilot))


def named(picture: str) -> str:
    """Replace the random id that Rich puts into a picture, so that the result is reproducible."""
    return re.sub(r"terminal-\d+", "terminal", picture)


async def frames(app: Screen, pilot: Pilot[int], begin: int, end: int, size: tuple[int, int]) -> str:
    """Return the animation between two times (ns)."""
    moments, known = range(begin, end, EACH), app.played.replay.stalls[0].at
    still = sum(at < known + STILL for at in moments)
    film = Film()
    for at in moments:
        film.add(await last(app, pilot, at))
    return film.developed(size, EACH / 1e9, still=still)


async def welcome() -> str:
    """Return the first screen of a dashboard without a server."""
    app = Resting(Plan())
    app.lan = ""
    async with app.run_test(size=TALK) as pilot:
        return named(await drawn(app, pilot))


async def matrix() -> str:
    """Return the picture of the isolation matrix; also write the same cells into docs/matrix.md."""
    kept = msgspec.json.decode(gzip.decompress((RECORDINGS / "matrix.json.gz").read_bytes()), type=Cells)
    put_into_document(markdown(kept.cells, kept.environment))
    app = Resting(Plan())
    app.measured = {(cell.pattern, cell.kind): Measured(cell) for cell in kept.cells}
    async with app.run_test(size=WIDE) as pilot:
        screen = MatrixScreen(app.measured, kept.environment.parameters, lambda: None)
        app.push_screen(screen)
        await pilot.pause()
        screen.query_one(DataTable).move_cursor(row=[p.name for p in PATTERNS].index("asyncio"), column=1)
        return named(await drawn(app, pilot))


def put_into_document(table: str) -> None:
    """Replace the table in docs/matrix.md."""
    document = Path("docs/matrix.md")
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    assert after, "docs/matrix.md has no marks for the table"
    document.write_text(f"{before}{BEGIN}\n{table}{END}{after}", encoding="utf-8")


async def main(arguments: Sequence[str]) -> None:
    """Make recordings if requested, and draw all pictures."""
    if arguments[:1] == ["--record"]:
        for name in arguments[1:] or RUNS:
            await RUNS[name]()
    pictures = {"welcome": await welcome(), "matrix": await matrix()}
    for picture in PICTURES:
        pictures[picture.name] = await draw(picture)
    for name, svg in pictures.items():
        path = FOLDER / f"{name}.svg"
        changed = not path.exists() or path.read_text(encoding="utf-8") != svg
        path.write_text(svg, encoding="utf-8")
        print(f"{path}: {len(svg.encode()) // 1000} kB{', changed' if changed else ''}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
