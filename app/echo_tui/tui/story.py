"""The story of a pattern: what it is, what to watch, what a block does to it, what fixes that, and its source."""

import functools

from echo_servers.block import WORDS
from echo_servers.catalog import Pattern, find
from echo_servers.fixes import fix

from echo_tui.tui.lines import read_lines
from echo_tui.tui.panel import Line, wrap
from echo_tui.tui.view import View, fix_now
from echo_tui.words import notices, welcome

INDENT = 7
"""The width of the headings (cells)."""


def story(pattern: Pattern, view: View, width: int) -> list[Line]:
    """Return the lines on what a pattern is, what to watch, what a block does to it, the fix, and its source."""
    palette = view.palette
    lines: list[Line] = [[(pattern.title, palette.strong)]]
    lines += [[(line, palette.bad)] for line in (wrap(pattern.missing, width) if pattern.missing else ())]
    lines += [[(line, palette.text)] for line in wrap(pattern.story, width)]
    parts = [(welcome.heading("watch"), pattern.watch), (welcome.heading("block"), pattern.blocking)]
    if found := fix_for(pattern, view):
        parts.append((welcome.heading("fix"), found))
    parts.append((welcome.heading("source"), welcome.source(length(pattern), pattern.source.name)))
    for heading, words in parts:
        first, *rest = wrap(words, width - INDENT)
        lines.append([(f"{heading:{INDENT}}", palette.accent), (first, palette.text)])
        lines += [[(" " * INDENT + line, palette.text)] for line in rest]
    return lines


def fix_for(pattern: Pattern, view: View) -> str:
    """Return what fixes the current block under a pattern, and its key; empty if there is no fix."""
    kind = view.block.kind
    if not (found := fix(pattern, kind)):
        return ""
    key = view.keys["fix"] if found == fix_now(view) else ""
    return notices.against(WORDS.get(kind, kind), find(found.pattern).title, key, found.why)


@functools.cache
def length(pattern: Pattern) -> int:
    """Return the number of lines of a pattern's source."""
    return len(read_lines(str(pattern.source)))
