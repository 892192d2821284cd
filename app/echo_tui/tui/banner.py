"""The banner of the frozen screen."""

from echo_tui.session.session import Session
from echo_tui.tui import text
from echo_tui.tui.view import View
from echo_tui.words.stalls import label


def banner(view: View, frozen: Session, stall_number: int | None, snapshots: int) -> str:
    """Return what a frozen screen shows, and which key continues; `snapshots` is the number of stall snapshots."""
    gone = text.count(view.goes_on.totals.events - frozen.totals.events)
    if (stall := view.stall) and stall_number:
        begin = text.stamp(view.since_start(stall.begin))
        where = f"{view.started.title}, in the matrix:   " if view.origin and view.started else ""
        count = view.goes_on.stalls.count
        of = "" if view.origin and snapshots < count else f" of {count}"
        which = f"STALL {stall.number}{of}"
        what = f"{where}{which}   {label(stall.cause)} {view.length(stall)} from {begin}"
    else:
        what = "FROZEN"
    return f"{what}   {gone} events since   {view.keys['freeze']} goes on"
