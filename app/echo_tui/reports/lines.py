"""Stalls and a summary as lines of text."""

from collections.abc import Iterator

from echo_servers.plain import plain

from echo_tui.diagnosis.report import CulpritReport, StallReport, VictimReport
from echo_tui.reports.summary import Summary

VICTIMS = 4
"""Victims named in a line; of more only their number is given."""


def stall_line(report: StallReport, start: int) -> str:
    """Return one line on a stall; times are seconds since `start` (ns)."""
    length = ((report.end or report.at) - report.begin) / 1e9
    so_far = "" if report.end else " so far"
    injected = ", injected" if report.injected else ""
    words = [
        f"{(report.begin - start) / 1e9:+.3f} s",
        f"stall {report.id} {report.event}",
        f"{length:.3f} s{so_far}",
        f"{report.cause} ({report.attribution}{injected})",
        victims(report.victims),
    ]
    if report.culprit:
        words.append(_culprit(report.culprit))
    return plain("  ".join(words))


def victims(those: list[VictimReport]) -> str:
    """Return who waited, and for what."""
    if not those:
        return "nobody waited"
    named = [f"{v.peer}{f' [{v.client}]' if v.client is not None else ''} {v.kind}" for v in those[:VICTIMS]]
    more = f" and {len(those) - VICTIMS} more" if len(those) > VICTIMS else ""
    return f"{len(those)} waited: {', '.join(named)}{more}"


def _culprit(culprit: CulpritReport) -> str:
    call = f" in {culprit.call}{f' ({culprit.other})' if culprit.other else ''}" if culprit.call else ""
    thread = f"{culprit.thread or 'thread'} {culprit.tid}{call}"
    if culprit.file is None:
        return thread
    return f"{culprit.file}:{culprit.line} {culprit.function} ({thread})"


def summary_lines(summary: Summary) -> Iterator[str]:
    """Give the lines of a summary."""
    plural = "" if summary.connections == 1 else "s"
    yield (
        f"{summary.seconds:.1f} s, {summary.connections:,} connection{plural} accepted "
        f"({summary.open:,} open, {summary.queued:,} queued at the end), "
        f"{summary.bytes_received:,} bytes received, {summary.bytes_sent:,} sent, "
        f"{summary.echoes_per_second:,.1f} echoes/s"
    )
    if summary.lost:
        yield f"{summary.lost:,} records lost; they are in the totals"
    if latency := summary.latency:
        values = ", ".join(f"{name} {value / 1000:,.1f} ms" for name, value in latency.percentiles.items())
        yield f"latency of {latency.count:,} echoes: {values}, max {latency.max / 1000:,.1f} ms"
    if pending := summary.replies_pending:
        yield f"{pending:,} {'reply' if pending == 1 else 'replies'} pending at the end"
    count = sum(summary.stalls.values())
    causes = ", ".join(f"{number} {cause}" for cause, number in summary.stalls.items())
    yield f"{count} stall{'' if count == 1 else 's'}{f': {causes}' if causes else ''}"
