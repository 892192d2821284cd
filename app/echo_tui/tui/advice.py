"""What helps against a stall: the pattern that fixes its block, or advice on its cause."""

from echo_servers.catalog import find
from echo_servers.fixes import fix

from echo_tui.diagnosis.stall import Stall
from echo_tui.tui.view import View, fix_now
from echo_tui.words import panels as words
from echo_tui.words import target


def advice(stall: Stall, view: View) -> str:
    """Return what helps against a stall, with the key that does it if there is one; empty if nothing general does."""
    if stall.injected and view.pattern and (found := fix(view.pattern, view.session.block.kind)):
        return words.fix(find(found.pattern).title, view.keys["fix"] if found == fix_now(view) and view.starts else "")
    return target.advice(stall.cause)
