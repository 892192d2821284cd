"""The command `echo-tui matrix`: measure, with progress on stderr, and print."""

import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.matrix import report
from app.matrix.cell import Cell
from app.matrix.made import Made, made
from app.matrix.measure import measure_all
from app.matrix.terms import Terms
from servers.catalog import Pattern

CANCELLED = 130


def run_matrix(patterns: Sequence[Pattern], kinds: Sequence[str], seconds: float, form: str | None) -> int:
    """Measure and print; gives the exit code. What was measured before Ctrl-C is printed too."""
    terms = Terms(seconds)
    circumstances, cells = made(terms), list[Cell]()
    wanted = [(pattern, kind) for pattern in patterns for kind in kinds]
    code = 0
    try:
        asyncio.run(_measure(wanted, terms, cells))
    except KeyboardInterrupt:
        code = CANCELLED
        print(f"echo-tui: interrupted: {len(cells)} of {len(wanted)} cells are there", file=sys.stderr, flush=True)
    if cells:
        _print(cells, circumstances, form)
    return code


async def _measure(wanted: Sequence[tuple[Pattern, str]], terms: Terms, cells: list[Cell]) -> None:
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(wanted))
        names = iter([f"{pattern.name} / {kind}" for pattern, kind in wanted])
        progress.update(task, description=next(names))
        async for measured in measure_all(wanted, terms):
            cells.append(measured.cell)
            progress.update(task, advance=1, description=next(names, ""))


def _print(cells: Sequence[Cell], made: Made, form: str | None) -> None:
    match form:
        case "json":
            sys.stdout.write(report.as_json(cells, made))
        case "markdown":
            sys.stdout.write(report.markdown(cells, made))
        case "csv":
            sys.stdout.write(report.as_csv(cells, made))
        case _:
            console = Console()
            whole = not console.is_terminal  # one line each, for whatever reads them
            console.print(report.table(cells))
            for words in (report.LEGEND, report.sentence(made)):
                console.print(words, style="dim", soft_wrap=whole, highlight=False)
    sys.stdout.flush()
