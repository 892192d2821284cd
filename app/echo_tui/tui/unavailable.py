"""The reasons keys are unavailable, each a sentence for the user; empty while the key is available."""

from echo_servers.block import WORDS
from echo_servers.fixes import fix

from echo_tui.observers import strace
from echo_tui.run.live import Live
from echo_tui.tui.view import View
from echo_tui.words import unavailable as words


def no_fix(view: View) -> str:
    """Return why there is nothing to fix."""
    pattern, kind = view.to_fix, view.block.kind
    if view.live.printed.held and not view.origin:
        return words.held(view.keys["hold"])
    if not pattern:
        return words.reason("not-started")
    if not pattern.serves:
        return words.serves_nobody(pattern.title)
    if not fix(pattern, kind):
        return words.blocks_nobody(pattern.title, WORDS[kind])
    return ""


def no_stall(view: View) -> str:
    """Return why there is no stall to go back to."""
    if view.pictured or view.playback:
        return ""
    return words.reason("no-snapshots" if view.live.stalls.count else "no-stalls")


def no_demo(view: View) -> str:
    """Return why the demonstration can't be started."""
    return words.demo_later(view.keys["toggle"]) if view.live.running else ""


def no_recording(view: View) -> str:
    """Return why the live run can't be swapped for a recording."""
    return "" if view.scene_recorded else words.reason("no-recording")


def no_details(view: View) -> str:
    """Return why there are no details to show."""
    return "" if view.session.stalls.all else words.reason("no-stalls")


def no_strace(live: Live) -> str:
    """Return why no system calls can be shown."""
    if not live.running or not live.pattern:
        return words.reason("no-server")
    if "poll" not in live.pattern.idle_calls:
        return words.no_event_loop(live.pattern.title)
    return "" if strace.is_installed() else words.reason("no-strace")


def no_stdout(live: Live) -> str:
    """Return why stdout can't be held."""
    return "" if live.plan.options.print else words.reason("prints-nothing")
