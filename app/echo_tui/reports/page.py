"""A recording as one HTML page that needs no network: a timeline, its stalls to unfold, tables and source code.

It runs no script, and its policy forbids one; all that comes from outside is escaped.
"""

from collections.abc import Iterator, Sequence
from html import escape

from echo_servers.plain import plain

from echo_tui.diagnosis.stall import Attribution, Cause
from echo_tui.model.connection import Connection
from echo_tui.reports.findings import Findings, NumberedStall, RecordingPart
from echo_tui.reports.lines import summary_lines
from echo_tui.reports.markdown import began, excerpt, length, place
from echo_tui.words import stalls as words

LANES = 60
"""Connections on the timeline; those that waited come first."""
ROWS = 1000
"""Connections in a table."""
WIDTH, HEIGHT, LABEL = 1000, 18, 190
"""The timeline's width, a lane's height, and the width of the names (px)."""
TICKS = 8
AROUND = 8
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --bad: #d7263d; --line: #8a8f98; --back: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --back: #1b1e24; --bad: #ff5c6c; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
code, pre, td.number, svg text { font-family: ui-monospace, monospace; font-size: 13px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); }
details { background: var(--back); border-left: 4px solid var(--bad); margin: .6rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; font-weight: 600; } pre { overflow-x: auto; } mark { background: var(--bad); color: #fff; }
svg { width: 100%; height: auto; background: var(--back); } svg text { fill: currentColor; }
.open { fill: var(--line); } .waits { fill: var(--bad); }
"""


def page(findings: Findings, chosen: Sequence[NumberedStall], facts: Sequence[tuple[str, str]]) -> str:
    """Return the page; `facts` say where and when it was recorded."""
    names = [part.name for part in findings.parts if part.name]
    title = f"echo-tui: {names[0] if names else 'a recording'}"
    body = [f"<h1>{_text(title)}</h1>", "<ul>"]
    body += [f"<li>{_text(name)}: {_text(value)}</li>" for name, value in facts]
    body += [
        f"<li><code>{_text(part.name)}</code>: {_text(line)}</li>"
        for part in findings.parts
        if part.name
        for line in summary_lines(part.summary())
    ]
    body += ["</ul>", f"<h2>Stalls: {len(chosen)}</h2>"]
    body += [line for entry in chosen for line in _stall(findings, entry)] or ["<p>No stall.</p>"]
    for number, part in enumerate(findings.parts, 1):
        if part.name:
            body += _timeline(findings, number, part)
            body += _connections(findings, part)
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>",
            *body,
            "</body></html>",
            "",
        ]
    )


def _stall(findings: Findings, entry: NumberedStall) -> Iterator[str]:
    number, part, stall = entry
    cause, attribution = Cause(stall.cause), Attribution(stall.attribution)
    head = f"{number}: {words.label(cause)}, {length(findings, stall)}, {len(stall.victims)} waited {place(stall)}"
    yield f'<details id="stall-{number}"{" open" if number == 1 else ""}><summary>Stall {_text(head)}</summary>'
    yield f"<p>{_text(words.sentence(cause))} It began {began(findings, stall)} after the start, and is attributed to"
    yield f"{_text(words.attribution(attribution))}. Server: <code>{_text(part.name)}</code></p>"
    yield "<table><tr><th>who waited</th><th>for what</th><th>how long</th></tr>"
    for victim in stall.victims[:ROWS]:
        ours = f" (client {victim.client})" if victim.client is not None else ""
        waited = f"{((victim.end or stall.end or findings.end) - victim.begin) / 1e9:.3f} s"
        yield f"<tr><td><code>{_text(victim.peer)}</code>{ours}</td><td>{_text(victim.kind)}</td><td>{waited}</td></tr>"
    yield "</table>"
    if culprit := stall.culprit:
        call = f" in {culprit.call}" if culprit.call else ""
        yield f"<p>Thread <code>{_text(culprit.thread)}</code> {culprit.tid} of process {culprit.pid}{_text(call)}.</p>"
        if code := excerpt(findings, stall, AROUND):
            yield f"<p><code>{_text(culprit.file or '')}</code></p>"
            lines = (_source(line, text, line == culprit.line) for line, text in code)
            yield "<pre>" + "\n".join(lines) + "</pre>"
        if culprit.stack:
            stack = (_text(f"{file}:{line} {function}") for file, line, function in culprit.stack)
            yield "<p>Stack, innermost call first:</p><pre>" + "\n".join(stack) + "</pre>"
    if stall.clues:
        clues = (_text(f"{words.clue(rule)}: {count}") for rule, _, count in (c.partition(": ") for c in stall.clues))
        yield "<p>Clues, with the number of samples:</p><ul>" + "".join(f"<li>{clue}</li>" for clue in clues) + "</ul>"
    yield "</details>"


def _source(number: int, text: str, lit: bool) -> str:
    line = f"{number:5} {_text(text)}"
    return f"<mark>{line}</mark>" if lit else line


def _timeline(findings: Findings, number: int, part: RecordingPart) -> Iterator[str]:
    """Give a picture of one server's part: a lane for each connection, with its waits during stalls."""
    waits: dict[str, list[tuple[int, int]]] = {}
    for stall in part.stalls.values():
        for victim in stall.victims:
            span = (victim.begin, victim.end or stall.end or part.end)
            waits.setdefault(victim.peer, []).append(span)
    everyone = [*part.session.connections.values(), *part.session.connections.closed]
    lanes = sorted(everyone, key=lambda c: (c.peer not in waits, c.number))[:LANES]
    length = max(part.end - part.begin, 1)

    def x(at: int) -> float:
        return LABEL + min(max(at - part.begin, 0), length) * (WIDTH - LABEL) / length

    high = (len(lanes) + 2) * HEIGHT
    yield f"<h2>Timeline of <code>{_text(part.name)}</code></h2>"
    yield f'<svg viewBox="0 0 {WIDTH} {high}" role="img" aria-label="timeline {number}">'
    for row, connection in enumerate(lanes):
        y = row * HEIGHT
        begin, end = x(connection.opened_at), x(connection.closed_at or part.end)
        yield f'<text x="4" y="{y + 13}">{_text(connection.peer)}</text>'
        yield f'<rect class="open" x="{begin:.1f}" y="{y + 8}" width="{max(end - begin, 1):.1f}" height="2"/>'
        for first, last in waits.get(connection.peer, []):
            left, right = x(first), x(last)
            yield f'<rect class="waits" x="{left:.1f}" y="{y + 3}" width="{max(right - left, 1):.1f}" height="12"/>'
    for tick in range(TICKS + 1):
        at = part.begin + length * tick // TICKS
        where = "end" if tick == TICKS else "middle"
        label = f"{(at - findings.begin) / 1e9:.1f} s"
        yield f'<text x="{x(at):.1f}" y="{high - 6}" text-anchor="{where}">{label}</text>'
    yield "</svg>"
    if len(everyone) > len(lanes):
        yield f"<p>{len(lanes)} of {len(everyone)} connections.</p>"


def _connections(findings: Findings, part: RecordingPart) -> Iterator[str]:
    everyone = sorted((*part.session.connections.values(), *part.session.connections.closed), key=lambda c: c.number)
    yield "<table><tr><th>#</th><th>client</th><th>opened</th><th>received</th><th>sent</th></tr>"
    yield from (_connection(findings, each) for each in everyone[:ROWS])
    yield "</table>"


def _connection(findings: Findings, c: Connection) -> str:
    cells = (
        str(c.number), c.peer, f"{(c.opened_at - findings.begin) / 1e9:.3f} s", f"{c.recv_bytes:,} B",
        f"{c.send_bytes:,} B",
    )  # fmt: skip
    return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return escape(plain(text))
