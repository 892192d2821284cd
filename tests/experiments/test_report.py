"""The matrix as Markdown, CSV, JSON and a table for the terminal, and its exit code."""

import csv
import io
import json
from dataclasses import replace

import pytest
from echo_tui.diagnosis.stall import Cause
from echo_tui.experiments import report
from echo_tui.experiments.cell import Blame, Cell, ClientMeasurements, Effect, Newcomer
from echo_tui.experiments.command import UNEXPECTED, exit_code
from echo_tui.experiments.environment import Environment, environment
from echo_tui.experiments.parameters import CellParameters
from rich.console import Console

STOPPED = ClientMeasurements(Effect.STOPPED, 990.0, 0.99, 0.5, 700.0, 980.0)
CELLS = [
    Cell("asyncio", "sleep", "", 1.0, 1.0, (STOPPED,) * 2, (Effect.STOPPED,) * 2, Newcomer(0.3, 740.0, False),
         Blame(1, Cause.BLOCKED, "block.py:1 sleep", 2, 1000.0, True)),
    Cell("asyncio", "cpu", "", 1.0, 1.0, (STOPPED,), (Effect.SLOWED,), Newcomer(None, None, False)),
    Cell("nonblocking", "sleep", "it serves nobody"),
]  # fmt: skip
MADE = environment(CellParameters())


def test_markdown() -> None:
    lines = report.markdown(CELLS, MADE).splitlines()
    assert lines[:4] == [
        "| pattern | `sleep` | `cpu` |",
        "|---|---|---|",
        "| `asyncio` | stopped 99 %, new waits | ! stopped 99 %, new not connected |",
        "| `nonblocking` | it serves nobody |  |",
    ]
    assert "python 3." in lines[-1]
    assert "block 1 s, 3 others with 50 pings/s of 64 bytes each" in lines[-1]
    assert "pools of 5 workers, 2 processes where each serves several clients" in lines[-1]


def test_circumstances_in_one_line() -> None:
    machine = {"system": "Linux", "processor": "", "cores": 4}
    given = Environment(machine, {"python": "3.12", "eventlet": "0.40"}, CellParameters(0.5), "2026-01-02 03:04")
    assert report.sentence(given) == (
        "Measured 2026-01-02 03:04 on 4 cores, Linux; python 3.12, eventlet 0.40; block 0.5 s, 3 others with "
        "50 pings/s of 64 bytes each; pools of 5 workers, 2 processes where each serves several clients."
    )


def test_csv_has_a_line_for_each_of_the_others() -> None:
    rows = list(csv.DictReader(io.StringIO(report.as_csv(CELLS, MADE))))
    assert [(row["pattern"], row["kind"], row["effect"], row["expected"]) for row in rows] == [
        ("asyncio", "sleep", "stopped", "stopped"),
        ("asyncio", "sleep", "stopped", "stopped"),
        ("asyncio", "cpu", "stopped", "slowed"),
        ("nonblocking", "sleep", "", ""),
    ]
    assert rows[0]["where"] == "block.py:1 sleep"
    assert rows[-1]["why_not"] == "it serves nobody"
    assert float(rows[0]["during_ms"]) == 700.0
    assert (rows[0]["newcomer_connected_ms"], rows[0]["newcomer_served_ms"]) == ("0.300", "740.000")
    assert (rows[2]["newcomer"], rows[2]["newcomer_served_ms"]) == ("new not connected", "")


def test_csv_lines_say_how_they_were_measured() -> None:
    for row in csv.DictReader(io.StringIO(report.as_csv(CELLS, MADE))):
        assert int(row["cores"]) >= 1
        assert row["python_version"].startswith("3.")
        assert row["measured"] == MADE.at
        assert (row["seconds"], row["pool_workers"], row["size"]) == ("1.0", "5", "64")


def test_json_has_everything() -> None:
    said = json.loads(report.as_json(CELLS, MADE))
    parameters = said["parameters"]
    assert (parameters["seconds"], parameters["clients"], parameters["rate"]) == (1.0, 3, 50.0)
    assert (parameters["pool_workers"], parameters["shared_processes"], parameters["size"]) == (5, 2, 64)
    assert (parameters["settles"], parameters["newcomer_after_share"], parameters["slowed_by_ms"]) == (0.4, 0.25, 2.0)
    assert said["machine"]["cores"] >= 1
    assert "python" in said["versions"]
    first, second, third = said["cells"]
    assert first["others"][0]["effect"] == "stopped"
    assert first["blame"]["cause"] == "blocked"
    assert (first["surprise"], second["surprise"]) == (False, True)
    assert third["why_not"] == "it serves nobody"


def test_workers_of_a_cell_and_of_a_pool_have_separate_names() -> None:
    cells = [Cell("process-loops", "sleep", others=(STOPPED,), expected=(Effect.STOPPED,), workers=2)]
    (row,) = csv.DictReader(io.StringIO(report.as_csv(cells, MADE)))
    said = json.loads(report.as_json(cells, MADE))
    assert (row["workers"], row["pool_workers"]) == ("2", "5")
    assert (said["cells"][0]["workers"], said["parameters"]["pool_workers"]) == (2, 5)
    assert "pool" not in row
    assert "workers" not in said["parameters"]


def test_table_marks_unexpected_cells() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report.table(CELLS))
    said = console.export_text()
    assert "! stopped 99 %" in said
    assert "it serves nobody" in said


def test_process_of_the_newcomer_is_named_where_it_matters() -> None:
    untouched = replace(STOPPED, effect=Effect.UNTOUCHED, same_process=False)
    expected = (Effect.STOPPED, Effect.UNTOUCHED)
    cell = Cell("process-loops", "sleep", others=(STOPPED, untouched), expected=expected)
    served, waits = Newcomer(0.3, 5.0, True, same_process=False), Newcomer(0.3, 700.0, False, same_process=True)
    assert report.words(replace(cell, newcomer=served)) == "stopped 99 %, 1 of 2, new served, other process"
    assert report.words(replace(cell, newcomer=waits)) == "stopped 99 %, 1 of 2, new waits, same process"
    assert report.words(replace(CELLS[0], newcomer=waits)) == "stopped 99 %, new waits"


def test_unexpected_cell_fails_the_matrix_only_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(CELLS, fail_on_unexpected=False) == 0
    assert exit_code(CELLS[:1], fail_on_unexpected=True) == 0
    assert capsys.readouterr().err == ""
    assert exit_code(CELLS, fail_on_unexpected=True) == UNEXPECTED == 3
    assert capsys.readouterr().err == "echo-tui: unexpected: asyncio/cpu\n"
