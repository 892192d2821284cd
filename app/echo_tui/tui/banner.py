"""The banner of the frozen screen."""

from echo_tui.session.session import Session
from echo_tui.tui import text
from echo_tui.tui.view import View
from echo_tui.words import header as words
from echo_tui.words.stalls import label


def banner(view: View, frozen: Session, stall_number: int | None, snapshots: int) -> str:
    """Return what a frozen screen shows, and which key continues; `snapshots` is the number of stall snapshots."""
    gone = text.count(view.goes_on.totals.events - frozen.totals.events)
    if (stall := view.stall) and stall_number:
        begin = text.stamp(view.since_start(stall.begin))
        count = view.goes_on.stalls.count
        of = None if view.origin and snapshots < count else count
        what = words.stall_of(stall.number, of, label(stall.cause), view.length(stall), begin)
        if view.origin and view.started:
            what = words.in_the_matrix(view.started.title, what)
    else:
        what = words.frozen()
    return words.goes_on(what, gone, view.keys["freeze"])
