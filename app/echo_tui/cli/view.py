"""`echo-tui view FILE`: the dashboard of a recording, or of a stream from another machine."""

import os
import sys
import time

import click
import cloup
from echo_servers.server import BadRequest

from echo_tui.cli.parameters import NumberParameter, ThemeParameter

TERMINAL = "/dev/tty"
TURN = 0.5
"""Seconds between two reports of progress."""


@cloup.command()
@cloup.argument("file", help="What --record or 'watch --json' has written, or - for what arrives on stdin.")
@cloup.option(
    "--speed", type=click.FloatRange(0.1, 100), metavar="N", default=1.0, show_default=True, help="0.1 to 100."
)
@cloup.option("--at", type=click.FloatRange(0), metavar="SECONDS", default=0.0, help="Begin SECONDS after the start.")
@cloup.option(
    "--until-stall", type=NumberParameter(1, 1_000_000, "until-stall"), metavar="N", help="Stop at the N-th stall."
)
@cloup.option("--theme", type=ThemeParameter(), help="Colours, by name.")
def view(file: str, speed: float, at: float, until_stall: int | None, theme: str | None) -> None:
    """Open the dashboard on a recording, or on a stream: ssh HOST echo-tui watch :8000 --json | echo-tui view -

    Nothing is started, and nothing is connected to.
    """
    from echo_tui.run.recorded import Recorded
    from echo_tui.run.replay import Replay
    from echo_tui.run.streamed import Streamed
    from echo_tui.run.viewed import Viewed

    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        raise BadRequest("the dashboard needs a terminal as its stdout and stderr; 'echo-tui export' does without")
    viewed: Viewed
    if file == "-":
        if at or until_stall:
            raise BadRequest("--at and --until-stall are for a file")
        viewed = Streamed(_stdin())
    else:
        replay = Replay(file)
        begun, shown = time.monotonic(), 0.0
        wanted = replay.begin + int(min(at, 1e9) * 1e9)
        while not replay.complete and (replay.end < wanted or len(replay.stalls) < (until_stall or 0)):
            replay.read_ahead(TURN)
            if time.monotonic() - begun > shown + TURN:
                shown = time.monotonic() - begun
                print(f"\recho-tui: reading, {replay.share:.0%} ", end="", file=sys.stderr, flush=True)
        if shown:
            print("\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)
        viewed = recorded = Recorded(replay, speed, at)
        if until_stall and not recorded.to_number(until_stall):
            stalls = f"{len(replay.stalls)} stall{'s' if len(replay.stalls) != 1 else ''}"
            raise BadRequest(f"{file}: it has {stalls}")
    from echo_tui.run.plan import Plan
    from echo_tui.tui.dashboard import open_dashboard

    sys.exit(open_dashboard(Plan(), theme, viewed=viewed))


def _stdin() -> int:
    """Return a descriptor of the stream on stdin, and make the terminal our stdin. Raises BadRequest."""
    if sys.stdin.isatty():
        raise BadRequest("nothing arrives on stdin: echo-tui watch TARGET --json | echo-tui view -")
    stream = os.dup(0)
    try:
        terminal = os.open(TERMINAL, os.O_RDWR)
    except OSError as error:
        raise BadRequest(f"there is no terminal for the keys: {error.strerror}") from None
    os.dup2(terminal, 0)
    os.close(terminal)
    return stream
