"""Two recordings side by side: the same numbers of both, and both on one axis of time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from echo_servers.plain import plain

from echo_tui.reports.findings import Findings

COLUMNS = 60
"""The width of the axis of time."""
COUNTED = "stalls"
"""How the names of numbers begin that are 0 where a recording has none."""
CALM, STALLED, OVER = "─", "█", " "


@dataclass(frozen=True)
class DifferenceRow:
    """One number of both recordings; None where it is not known."""

    name: str
    unit: str
    first: float | None
    second: float | None

    @property
    def change(self) -> float | None:
        """How much larger the second one is; None where one is not known."""
        return None if self.first is None or self.second is None else self.second - self.first


def rows(first: Findings, second: Findings) -> list[DifferenceRow]:
    """Return the numbers of both recordings."""
    ours, theirs = _numbers(first), _numbers(second)
    return [
        DifferenceRow(
            name,
            unit,
            *(numbers.get((name, unit), 0 if name.startswith(COUNTED) else None) for numbers in (ours, theirs)),
        )
        for name, unit in {**ours, **theirs}
    ]


def lines(names: tuple[str, str], first: Findings, second: Findings) -> Iterator[str]:
    """Give the comparison as text."""
    longest = max(first.end - first.begin, second.end - second.begin, 1)
    wide = max(len(name) for name in names)
    for name, findings in zip(names, (first, second), strict=True):
        servers = ", ".join(part.name for part in findings.parts if part.name)
        yield plain(f"{name:{wide}}  {_axis(findings, longest)}  {servers}")
    yield f"{'':{wide}}  0 s{f'{longest / 1e9:.1f} s':>{COLUMNS - 3}}"
    yield ""
    table = rows(first, second)
    width = max(len(_label(row)) for row in table)
    first_name, second_name = (PurePath(name).name[:14] for name in names)
    yield plain(f"{'':{width}}  {first_name:>14}  {second_name:>14}  {'change':>12}")
    for row in table:
        change = "" if row.change is None else f"{row.change:+,.6g}"
        yield f"{_label(row):{width}}  {_value(row.first):>14}  {_value(row.second):>14}  {change:>12}"


def _label(row: DifferenceRow) -> str:
    return f"{row.name} ({row.unit})" if row.unit else row.name


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}"


def _axis(findings: Findings, longest: int) -> str:
    """Return a recording on an axis of time that both share, with its stalls."""
    cells = []
    for column in range(COLUMNS):
        begin = findings.begin + longest * column // COLUMNS
        end = begin + longest // COLUMNS
        stalled = any(stall.begin < end and (stall.end or findings.end) > begin for _, _, stall in findings.numbered())
        cells.append(OVER if begin > findings.end else STALLED if stalled else CALM)
    return "".join(cells)


def _numbers(findings: Findings) -> dict[tuple[str, str], float]:
    parts = [part for part in findings.parts if part.name]
    summaries = [part.summary() for part in parts]
    stalls = [stall for part in parts for stall in part.stalls.values()]
    seconds = max((findings.end - findings.begin) / 1e9, 0.001)
    found: dict[tuple[str, str], float] = {
        ("length", "s"): round(seconds, 3),
        ("connections", ""): sum(summary.connections for summary in summaries),
        ("received", "B"): sum(summary.bytes_received for summary in summaries),
        ("sent", "B"): sum(summary.bytes_sent for summary in summaries),
        ("echoes", "/s"): round(sum(part.session.totals.send for part in parts) / seconds, 1),
        ("records lost", ""): sum(summary.lost for summary in summaries),
        ("stalls", ""): len(stalls),
    }
    for cause, count in sorted(Counter(stall.cause for stall in stalls).items()):
        found[f"stalls: {cause}", ""] = count
    waits = [(victim.end or stall.end or findings.end) - victim.begin for stall in stalls for victim in stall.victims]
    found["waits in stalls", ""] = len(waits)
    found["longest wait", "s"] = round(max(waits, default=0) / 1e9, 3)
    latencies = [summary.latency for summary in summaries if summary.latency]
    if len(latencies) == 1:
        for name, micros in latencies[0].percentiles.items():
            found[f"latency {name}", "ms"] = micros / 1000
        found["latency max", "ms"] = latencies[0].max / 1000
    cpu = [total / count for part in parts for total, count in part.cpu.values() if count]
    if cpu:
        found["CPU", "% of a core"] = round(sum(cpu), 1)
    if memory := [most for part in parts for most in part.memory.values()]:
        found["memory", "MB"] = round(sum(memory) / 1e6, 1)
    return found
