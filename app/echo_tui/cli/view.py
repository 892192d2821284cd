"""`echo-tui view FILE`: the dashboard of a recording, or of a stream from another machine."""

import os
import sys

import click
import cloup
from echo_servers.server import BadRequest

from echo_tui.cli.parameters import Theme

TERMINAL = "/dev/tty"


@cloup.command()
@cloup.argument("file", help="What 'watch --json' has written (.gz too), or - for what arrives on stdin.")
@cloup.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True, help="0.1 to 100.")
@cloup.option("--at", type=click.FloatRange(0), default=0.0, help="Begin so many seconds after its start.")
@cloup.option("--theme", type=Theme(), help="Colours, by name.")
def view(file: str, speed: float, at: float, theme: str | None) -> None:
    """Open the dashboard on a recording, or on a stream: ssh HOST echo-tui watch :8000 --json | echo-tui view -

    Nothing is started, and nothing is connected to.
    """
    from echo_tui.run.recorded import Arriving, File, Recorded

    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        raise BadRequest("the dashboard needs a terminal as its stdout and stderr")
    recorded = Recorded(Arriving(_stdin()) if file == "-" else File(file), speed, at)
    from echo_tui.run.live import Plan
    from echo_tui.tui.app import open_dashboard

    sys.exit(open_dashboard(Plan(), theme, recorded=recorded))


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
