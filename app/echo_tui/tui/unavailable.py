"""The reasons keys are unavailable, each a sentence for the user; empty while the key is available."""

from echo_servers.block import WORDS
from echo_servers.fixes import fix

from echo_tui.observers import strace
from echo_tui.run.live import Live
from echo_tui.tui.view import View

NO_PICTURE = "Of a stall so long ago no picture is kept"


def no_fix(view: View) -> str:
    """Return why there is nothing to fix."""
    pattern, kind = view.to_fix, view.block.kind
    if view.live.printed.held and not view.origin:
        return f"Nobody reads stdout, and no pattern fixes that: {view.keys['hold']} reads it again"
    if not pattern:
        return "No pattern has been started: there is nothing to fix"
    if not pattern.serves:
        return f"{pattern.title} serves nobody: there is nothing to fix"
    if not fix(pattern, kind):
        return f"Under {pattern.title}, {WORDS[kind]} blocks nobody but its sender: there is nothing to fix"
    return ""


def no_stall(view: View) -> str:
    """Return why there is no stall to go back to."""
    if view.pictured or view.playback:
        return ""
    return "No picture of a stall so far" if view.live.stalls.count else "No stall so far"


def no_details(view: View) -> str:
    """Return why there are no details to show."""
    return "" if view.session.stalls.all else "No stall so far"


def no_strace(live: Live) -> str:
    """Return why no system calls can be shown."""
    if not live.running or not live.pattern:
        return "No server runs whose system calls could be shown"
    if "poll" not in live.pattern.idle_calls:
        return f"strace is shown for one event loop, and {live.pattern.title} has none"
    return "" if strace.is_installed() else "strace is not installed here"


def no_stdout(live: Live) -> str:
    """Return why stdout can't be held."""
    return "" if live.plan.options.print else "This server prints nothing: start echo-tui with --print"
