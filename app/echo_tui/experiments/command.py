"""The command `echo-tui matrix`: measure, with progress on stderr, and print."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Coroutine, Sequence

from echo_servers.catalog import Pattern
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echo_tui.experiments import report
from echo_tui.experiments.cell import Cell
from echo_tui.experiments.environment import Environment, environment
from echo_tui.experiments.measure import measure_all
from echo_tui.experiments.parameters import CellParameters
from echo_tui.model.observations import Receiver
from echo_tui.run.header import Parameters, new_header
from echo_tui.run.recorder import Recording

UNEXPECTED = 3
"""The exit code of a matrix with an unexpected cell (`--fail-on-unexpected`)."""
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_matrix(
    wanted: Sequence[tuple[Pattern, str]],
    seconds: float,
    form: str | None,
    fail_on_unexpected: bool = False,
    recording: Recording | None = None,
) -> int:
    """Measure cells, print, and return the exit code. Cells that were finished before a signal are printed too.

    With `fail_on_unexpected` a complete matrix with an unexpected cell gives `UNEXPECTED`.
    """
    parameters = CellParameters(seconds)
    circumstances, cells = environment(parameters), list[Cell]()
    recorded: Parameters = {"seconds": seconds, "cells": len(wanted)}
    recorder = (recording or Recording()).recorder(new_header("matrix", recorded, time.monotonic_ns()))
    code = asyncio.run(_until_signal(_measure(wanted, parameters, cells, recorder.hear)))
    recorder.close()
    if recorder.failure:
        print(f"echo-tui: {recorder.path} is incomplete: {recorder.failure}", file=sys.stderr, flush=True)
    if code:
        with contextlib.suppress(OSError):  # the terminal may be gone
            words = f"echo-tui: interrupted: {len(cells)} of {len(wanted)} cells are there"
            print(words, file=sys.stderr, flush=True)
    if cells:
        _print(cells, circumstances, form)
    return code or exit_code(cells, fail_on_unexpected)


def exit_code(cells: Sequence[Cell], fail_on_unexpected: bool) -> int:
    """Return the exit code of a complete matrix, and name its unexpected cells on stderr if they are to fail."""
    unexpected = [f"{cell.pattern}/{cell.kind}" for cell in cells if cell.surprise]
    if not (unexpected and fail_on_unexpected):
        return 0
    print(f"echo-tui: unexpected: {', '.join(unexpected)}", file=sys.stderr, flush=True)
    return UNEXPECTED


async def _until_signal(work: Coroutine[object, object, None]) -> int:
    """Run to the end, or until a signal. Return the exit code.

    Further signals do nothing while the server and the clients are ended: timeout(1) sends two at once.
    """
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    came: list[int] = []

    def end(number: int) -> None:
        if not came:
            task.cancel()
        came.append(number)

    handled = [
        ending for ending in ENDINGS if signal.getsignal(ending) is not signal.SIG_IGN
    ]  # nohup(1) ignores SIGHUP
    for ending in handled:
        loop.add_signal_handler(ending, end, ending)
    try:
        await task
    except asyncio.CancelledError:
        if not came:
            raise
    finally:
        for ending in handled:
            loop.remove_signal_handler(ending)
    return 128 + came[0] if came else 0


async def _measure(
    wanted: Sequence[tuple[Pattern, str]], parameters: CellParameters, cells: list[Cell], heard: Receiver
) -> None:
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(wanted))
        names = iter([f"{pattern.name} / {kind}" for pattern, kind in wanted])
        progress.update(task, description=next(names))
        async for measured in measure_all(wanted, parameters, heard):
            cells.append(measured.cell)
            progress.update(task, advance=1, description=next(names, ""))


def _print(cells: Sequence[Cell], environment: Environment, form: str | None) -> None:
    match form:
        case "json":
            sys.stdout.write(report.as_json(cells, environment))
        case "markdown":
            sys.stdout.write(report.markdown(cells, environment))
        case "csv":
            sys.stdout.write(report.as_csv(cells, environment))
        case _:
            console = Console()
            whole = not console.is_terminal  # one line each for programs that read them
            console.print(report.table(cells))
            for words in (report.LEGEND, report.sentence(environment)):
                console.print(words, style="dim", soft_wrap=whole, highlight=False)
    sys.stdout.flush()
