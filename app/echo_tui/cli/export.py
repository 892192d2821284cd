"""`echo-tui export FILE`: a recording as a report, a page, tables or data."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from cloup.constraints import RequireExactly
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest

from echo_tui.cli.parameters import NumberParameter, SpanParameter

if TYPE_CHECKING:
    from echo_tui.reports.findings import Findings, NumberedStall
    from echo_tui.run.recorded import Recorded
    from echo_tui.run.replay import Replay

TURN = 0.5
"""Seconds between two reports of progress."""
TABLES = ("stalls", "connections", "samples")


@cloup.command()
@cloup.argument("file", help="What --record, the key r, or 'watch --json' has written.")
@cloup.option_group(
    "Form",
    cloup.option("--markdown", is_flag=True, help="A report for an issue tracker."),
    cloup.option("--html", is_flag=True, help="One page with timeline, stalls and source; it needs no network."),
    cloup.option("--json", "as_json", is_flag=True, help="Stalls and summaries as one JSON document."),
    cloup.option(
        "--csv",
        "table",
        type=click.Choice(TABLES),
        is_flag=False,
        flag_value="stalls",
        help="One table: stalls, connections or samples. [default: stalls]",
    ),
    cloup.option("--svg", is_flag=True, help="The dashboard at the chosen moment or stall; with --span it moves."),
    cloup.option("--cast", is_flag=True, help="The dashboard playing it, for asciinema (v3), with a marker per stall."),
    constraint=RequireExactly(1),
)
@cloup.option_group(
    "What of it",
    cloup.option(
        "--stall", type=NumberParameter(1, 1_000_000, "stall"), metavar="N", help="One stall, by its number, from 1."
    ),
    cloup.option("--at", type=click.FloatRange(0), metavar="SECONDS", help="The state SECONDS after the start."),
    cloup.option(
        "--span", type=SpanParameter(), help="For --svg: an animation from one second after the start to another."
    ),
)
@cloup.option(
    "--output", "-o", type=click.Path(dir_okay=False), help="A file, overwritten if it exists. [default: stdout]"
)
@cloup.option("--size", default="100x30", show_default=True, metavar="COLUMNSxROWS", help="Of --svg and --cast.")
@cloup.option(
    "--speed",
    type=click.FloatRange(0.1, 100),
    metavar="N",
    default=1.0,
    show_default=True,
    help="Of --cast: 0.1 to 100.",
)
def export(
    file: str,
    markdown: bool,
    html: bool,
    as_json: bool,
    table: str | None,
    svg: bool,
    cast: bool,
    stall: int | None,
    at: float | None,
    span: tuple[float, float] | None,
    output: str | None,
    size: str,
    speed: float,
) -> None:
    """Export a recording: all of it, one stall, or as it was at one time."""
    if sum(chosen is not None for chosen in (stall, at, span)) > 1:
        raise BadRequest("--stall, --at or --span, not several")
    if span and not svg:
        raise BadRequest("--span is for --svg")
    if (stall or at is not None) and (cast or table == "samples"):
        raise BadRequest("--stall and --at are not for --cast and --csv=samples: these have all of a recording")
    if stall and table == "connections":
        raise BadRequest("--stall is not for --csv=connections")
    if not output and not stdout_is_open():
        raise BadRequest(CLOSED)
    from echo_tui.run.replay import Replay

    if cast:
        from echo_tui.run.cast import record_cast

        _write(record_cast(file, whole(Replay(file), file), _size(size), speed), output)
        return
    replay = whole(Replay(file), file)
    if svg:
        _write(_picture(replay, stall, at, span, file, size), output)
        return
    findings, chosen = _findings(replay, stall, at, file)
    _write(_document(replay, findings, chosen, markdown, html, table), output)


def _picture(
    replay: "Replay", stall: int | None, at: float | None, span: tuple[float, float] | None, file: str, size: str
) -> str:
    from echo_tui.tui.pictures import animation, picture

    if not span:
        return picture(_shown(replay, stall, at, file), _size(size))
    begin, end = (_time(replay, seconds, file) for seconds in span)
    return animation(
        _shown(replay, None, None, file), (begin, end), _size(size), lambda share: _show_progress("drawing", share)
    )


def _document(
    replay: "Replay", findings: "Findings", chosen: "list[NumberedStall]", markdown: bool, html: bool, table: str | None
) -> str:
    from echo_tui.reports import tables
    from echo_tui.reports.markdown import markdown as as_markdown
    from echo_tui.reports.page import page

    header = replay.header
    facts = [
        ("recorded", f"{header.wall} by echo-tui {header.echo_tui}"),
        ("system", f"{header.system}, Python {header.python}, {header.cores or 'unknown'} cores"),
        ("length", f"{(findings.end - findings.begin) / 1e9:.1f} s"),
        *([("incomplete", "the file is cut off or damaged")] if replay.damaged else []),
        *([("incomplete", f"{header.dropped:,} observations before these were dropped")] if header.dropped else []),
    ]
    if markdown:
        return as_markdown(findings, chosen, facts)
    if html:
        return page(findings, chosen, facts)
    if table == "connections":
        return tables.connections(findings)
    if table == "samples":
        return tables.samples(findings, replay.observations(0))
    return tables.stalls(findings, chosen) if table else tables.document(findings, chosen, header)


def _findings(
    replay: "Replay", stall: int | None, at: float | None, file: str
) -> "tuple[Findings, list[NumberedStall]]":
    """Return what is in a recording, up to a time or all of it, and the stalls that are chosen. Raises BadRequest."""
    from itertools import islice

    from echo_tui.reports.findings import Findings

    findings = Findings(replay.begin)
    until = replay.total if at is None else replay.position_at(_time(replay, at, file))
    findings.add(islice(replay.observations(0), until))
    numbered = findings.numbered()
    if stall and stall > len(numbered):
        raise BadRequest(f"{file}: it has {len(numbered)} stall{'s' if len(numbered) != 1 else ''}")
    return findings, [entry for entry in numbered if stall in (None, entry[0])]


def _shown(replay: "Replay", stall: int | None, at: float | None, file: str) -> "Recorded":
    """Return a paused recording at what is to be shown. Raises BadRequest."""
    from echo_tui.run.recorded import Recorded

    recorded = Recorded(replay)
    recorded.paused = True
    if stall and not recorded.to_number(stall):
        raise BadRequest(f"{file}: it has {len(replay.stalls)} stall{'s' if len(replay.stalls) != 1 else ''}")
    if not stall:
        recorded.seek(replay.end if at is None else _time(replay, at, file))
    return recorded


def _time(replay: "Replay", at: float, file: str) -> int:
    wanted = replay.begin + int(min(at, 1e9) * 1e9)
    if wanted > replay.end:
        raise BadRequest(f"{file}: it is {(replay.end - replay.begin) // 100_000_000 / 10} s long")
    return wanted


def whole(replay: "Replay", file: str) -> "Replay":
    """Read all of a recording, with progress on a terminal."""
    while not replay.read_ahead(TURN):
        _show_progress(f"reading {file},", replay.share)
    if replay.damaged:
        print(f"echo-tui: {file} is cut off or damaged: read up to there", file=sys.stderr)
    return replay


def _show_progress(what: str, share: float) -> None:
    """Report progress on a terminal. Textual has put its own stream in the place of stderr while it draws."""
    if (stderr := sys.__stderr__) and stderr.isatty():
        print(f"\recho-tui: {what} {share:.0%} ", end="", file=stderr, flush=True)


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 500 and 10 <= int(rows) <= 200):
        raise BadRequest(f"--size {text}: COLUMNSxROWS, from 20x10 to 500x200")
    return int(columns), int(rows)


def _write(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{output}: {error.strerror}") from None
