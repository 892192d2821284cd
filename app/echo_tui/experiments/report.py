"""The matrix as text: a table for the terminal, Markdown, CSV, and JSON with all measurements."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import Enum

from echo_servers.block import WORDS
from rich.table import Table
from rich.text import Text

from echo_tui.experiments.cell import Cell, Effect
from echo_tui.experiments.environment import Environment
from echo_tui.experiments.parameters import PROCESSES, SIZE, all_parameters

COLOURS = {Effect.UNTOUCHED: "green", Effect.SLOWED: "yellow", Effect.STOPPED: "bold red", Effect.UNSERVED: "dim"}
SURPRISE = "!"
LEGEND = (
    "How the others were affected while one client's message blocked. stopped: no echo for this share of the block; "
    "slowed: three of four round trips took so much longer; not served: not accepted before the block either. new: a "
    "client that came meanwhile was served at once, or connected and made to wait. Where each of several processes "
    "serves several clients, one of the others is in another process, and the newcomer is in the one that the kernel "
    "chose. "
    f"{SURPRISE} not as expected."
)


def sentence(environment: Environment) -> str:
    """Return the environment in one line."""
    machine, parameters = environment.machine, environment.parameters
    name = f"{machine['processor']}, " if machine["processor"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
    return (
        f"Measured {environment.at} on {name}{machine['cores']} cores, {machine['system']}; {versions}; "
        f"block {parameters.seconds:g} s, {parameters.clients} others with {parameters.rate:g} pings/s "
        f"of {SIZE} bytes each; "
        f"pools of {parameters.pool_workers} workers, {PROCESSES} processes where each serves several clients."
    )


SERVED, WAITS, NOT_CONNECTED = "new served", "new waits", "new not connected"
MARKS = {SERVED: "●", WAITS: "◐", NOT_CONNECTED: "○", "": " "}
"""The newcomer's result in one character."""


def meanwhile(cell: Cell) -> str:
    """Return the newcomer's result."""
    new = cell.newcomer
    if new is None:
        return ""
    if new.connected is None:
        return NOT_CONNECTED
    return SERVED if new.in_time else WAITS


def words(cell: Cell) -> str:
    """Return a cell in a few words, with a mark if it is unexpected, and the newcomer's result."""
    if cell.why_not:
        return cell.why_not
    said = ", ".join(filter(None, (cell.words, meanwhile(cell), where_it_came(cell))))
    return f"{SURPRISE} {said}" if cell.surprise else said


def where_it_came(cell: Cell) -> str:
    """Return which process accepted the newcomer, where that decides its result; empty where it does not."""
    if cell.newcomer is None or cell.newcomer.same_process is None or not cell.shared:
        return ""
    return "same process" if cell.newcomer.same_process else "other process"


def briefly(cell: Cell) -> Iterator[str]:
    """Yield the same in ever fewer words, without the newcomer."""
    for said in cell.briefly:
        yield f"{SURPRISE} {said}" if cell.surprise else said


CellsByName = Mapping[tuple[str, str], Cell]


def rows_of(cells: Sequence[Cell]) -> CellsByName:
    """Return the cells by pattern and kind."""
    return {(cell.pattern, cell.kind): cell for cell in cells}


def _patterns(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.pattern for cell in cells))


def _kinds(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.kind for cell in cells))


def table(cells: Sequence[Cell]) -> Table:
    """Return a table for the terminal."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    rows, kinds = rows_of(cells), _kinds(cells)
    drawn.add_column("pattern", no_wrap=True)
    for kind in kinds:
        drawn.add_column(f"{kind} ({WORDS[kind]})")
    for pattern in _patterns(cells):
        drawn.add_row(pattern, *(_cell_text(rows.get((pattern, kind))) for kind in kinds))
    return drawn


def _cell_text(cell: Cell | None) -> Text:
    if cell is None:
        return Text("")
    said = Text(words(cell), style="dim" if cell.effect is None else COLOURS[cell.effect])
    if cell.surprise:
        said.stylize("reverse", 0, 1)
    return said


def markdown(cells: Sequence[Cell], environment: Environment) -> str:
    """Return a table in Markdown, with the environment below."""
    rows, kinds = rows_of(cells), _kinds(cells)
    lines = ["| pattern | " + " | ".join(f"`{kind}`" for kind in kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for pattern in _patterns(cells):
        said = [words(cell) if (cell := rows.get((pattern, kind))) else "" for kind in kinds]
        lines.append(f"| `{pattern}` | " + " | ".join(said) + " |")
    return "\n".join([*lines, "", LEGEND, "", sentence(environment)]) + "\n"


OF_OTHER = (
    "other", "effect", "expected", "silence_ms", "share", "before_ms", "during_ms", "worst_ms", "same_process",
)  # fmt: skip


def as_csv(cells: Sequence[Cell], environment: Environment) -> str:
    """Return one line for each of the others in each cell, with the environment in the last columns."""
    out, circumstances = io.StringIO(), _circumstances(environment)
    rows = [{**row, **circumstances} for cell in cells for row in _rows_of_others(cell)]
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _rows_of_others(cell: Cell) -> Iterator[dict[str, object]]:
    new, blame = cell.newcomer, cell.blame
    first = {"pattern": cell.pattern, "kind": cell.kind, "why_not": cell.why_not}
    first["block_s"] = f"{cell.lasted:.3f}" if cell.others else ""
    last = {
        "newcomer": meanwhile(cell),
        "newcomer_connected_ms": _figure(new.connected) if new else "",
        "newcomer_served_ms": _figure(new.served) if new else "",
        "newcomer_same_process": new.same_process if new else "",
        "cause": blame.cause.value if blame else "",
        "where": blame.where if blame else "",
        "stall_ms": _figure(blame.length) if blame else "",
        "waited": blame.victims if blame else "",
        "workers": cell.workers,
    }
    if not cell.others:
        yield {**first, **dict.fromkeys(OF_OTHER, ""), **last}
    for number, (other, one) in enumerate(zip(cell.others, cell.expected, strict=True), 1):
        figures = map(_figure, (other.silence, other.share, other.before, other.during, other.worst))
        values = (number, other.effect.value, one.value, *figures, other.same_process)
        yield {**first, **dict(zip(OF_OTHER, values, strict=True)), **last}


def _circumstances(environment: Environment) -> dict[str, object]:
    versions = {f"{name}_version": version for name, version in environment.versions.items()}
    return {"measured": environment.at, **environment.machine, **versions, **all_parameters(environment.parameters)}


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def as_json(cells: Sequence[Cell], environment: Environment) -> str:
    """Return all measurements; times are in milliseconds, the lengths of blocks in seconds."""
    said = [
        {**asdict(cell), "words": cell.words, "surprise": cell.surprise, "meanwhile": meanwhile(cell)} for cell in cells
    ]
    circumstances = {**asdict(environment), "parameters": all_parameters(environment.parameters)}
    return json.dumps({**circumstances, "cells": said}, indent=2, default=_plain) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(value)
