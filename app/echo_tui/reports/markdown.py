"""Stalls of a recording as Markdown, for an issue tracker. Whatever comes from outside is made harmless."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from echo_servers.plain import plain

from echo_tui.diagnosis.report import StallReport
from echo_tui.diagnosis.stall import Attribution, Cause
from echo_tui.reports.findings import Findings, NumberedStall
from echo_tui.reports.lines import summary_lines
from echo_tui.words import stalls as words

AROUND = 4
"""Lines of source code before and after the one to blame."""
VICTIMS = 50
"""Victims named of one stall."""
FRAMES = 40


def markdown(findings: Findings, chosen: Sequence[NumberedStall], facts: Sequence[tuple[str, str]]) -> str:
    """Return a report on the chosen stalls; `facts` say where and when it was recorded."""
    names = [part.name for part in findings.parts if part.name]
    lines = [f"# Stalls of {_code(names[0] if names else 'a server')}", ""]
    lines += [f"- {name}: {_text(value)}" for name, value in facts]
    for part in findings.parts:
        if part.name:
            lines += [f"- {_code(part.name)}: {_text(line)}" for line in summary_lines(part.summary())]
    lines.append("")
    if not chosen:
        return "\n".join([*lines, "No stall.", ""])
    lines += ["| stall | began | lasted | cause | attributed to | who waited | line |", "|---|---|---|---|---|---|---|"]
    lines += [_row(findings, entry) for entry in chosen]
    for entry in chosen:
        lines += ["", *_stall(findings, entry)]
    return "\n".join([*lines, ""])


def length(findings: Findings, stall: StallReport) -> str:
    """Return how long a stall lasted, or has lasted at the end of the recording."""
    end = stall.end or findings.end
    return f"{(end - stall.begin) / 1e9:.3f} s{'' if stall.end else ' so far'}"


def began(findings: Findings, stall: StallReport) -> str:
    """Return when a stall began, since the start of the recording."""
    return f"{(stall.begin - findings.begin) / 1e9:.3f} s"


def place(stall: StallReport) -> str:
    """Return the file's name and the line to blame; empty if there is none."""
    culprit = stall.culprit
    return f"{PurePath(culprit.file).name}:{culprit.line}" if culprit and culprit.file else ""


def excerpt(findings: Findings, stall: StallReport, around: int = AROUND) -> list[tuple[int, str]]:
    """Return the numbered lines of source code around the one to blame, as far as the recording has them."""
    culprit = stall.culprit
    if not culprit or not culprit.file or not culprit.line:
        return []
    lines = findings.texts.get(culprit.file, "").splitlines()
    first = max(culprit.line - around, 1)
    return list(enumerate(lines[first - 1 : culprit.line + around], first)) if culprit.line <= len(lines) else []


def _row(findings: Findings, entry: NumberedStall) -> str:
    number, _, stall = entry
    cells = (
        str(number), began(findings, stall), length(findings, stall), words.label(Cause(stall.cause)),
        words.attribution(Attribution(stall.attribution)), str(len(stall.victims)), _code(place(stall) or "-"),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _stall(findings: Findings, entry: NumberedStall) -> Iterator[str]:
    number, part, stall = entry
    injected = ", injected" if stall.injected else ""
    yield f"## Stall {number}: {words.label(Cause(stall.cause))}{injected}, {length(findings, stall)}"
    yield ""
    yield f"{words.sentence(Cause(stall.cause))} It began {began(findings, stall)} after the start of the recording"
    yield f"and is attributed to {words.attribution(Attribution(stall.attribution))}. Server: {_code(part.name)}."
    yield ""
    yield "Who waited:"
    yield ""
    for victim in stall.victims[:VICTIMS]:
        ours = f" (client {victim.client})" if victim.client is not None else ""
        waited = ((victim.end or stall.end or findings.end) - victim.begin) / 1e9
        yield f"- {_code(victim.peer)}{ours}: {victim.kind}, {waited:.3f} s"
    if len(stall.victims) > VICTIMS:
        yield f"- and {len(stall.victims) - VICTIMS} more"
    yield from _culprit(findings, stall)
    if stall.clues:
        yield ""
        yield "Clues (samples in which each was seen):"
        yield ""
        for clue in stall.clues:
            rule, _, count = clue.partition(": ")
            yield f"- {_text(words.clue(rule))}: {_text(count)}"


def _culprit(findings: Findings, stall: StallReport) -> Iterator[str]:
    culprit = stall.culprit
    if not culprit:
        return
    call = f" in {_code(culprit.call)}" if culprit.call else ""
    yield ""
    yield f"Thread {_code(culprit.thread)} {culprit.tid} of process {culprit.pid}{call}."
    if code := excerpt(findings, stall):
        yield ""
        yield f"{_code(culprit.file or '')}:"
        yield ""
        yield from _block(f"{'>' if number == culprit.line else ' '} {number:4} {line}" for number, line in code)
    if culprit.stack:
        yield ""
        yield "Stack, innermost call first:"
        yield ""
        yield from _block(f"{file}:{line} {function}" for file, line, function in culprit.stack[:FRAMES])


def _block(lines: Iterator[str]) -> Iterator[str]:
    """Give lines indented by four spaces: a code block that nothing in it can end."""
    yield from (f"    {plain(line)}" for line in lines)


def _code(text: str) -> str:
    """Return text as a code span that ends where it should, also in a table."""
    return f"`{plain(text).replace('`', chr(39)).replace('|', '/')}`"


def _text(text: str) -> str:
    """Return text without a meaning in Markdown or HTML."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|&" else char for char in plain(text))
