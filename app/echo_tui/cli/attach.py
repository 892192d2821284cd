"""`echo-tui attach [TARGET]`: the dashboard of a running server, or a list of those to choose from."""

import os
import sys

import cloup
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest

from echo_tui.cli.parameters import Number, Theme
from echo_tui.config import LEAST, MOST

NO_PERMISSION = 4
"""The exit code where a right is missing."""


@cloup.command()
@cloup.argument("target", required=False, help="A PID, :PORT or HOST:PORT of this machine.")
@cloup.option("--port", type=Number(1, 65535, "port"), help="Of a process that listens on several.")
@cloup.option("--theme", type=Theme(), help="Colours, by name.")
@cloup.option(
    "--stall-after",
    type=Number(LEAST, MOST, "stall-after"),
    metavar="MS",
    help="From how many milliseconds on a wait is a stall. [default: 100]",
)
def attach(target: str | None, port: int | None, theme: str | None, stall_after: int | None) -> None:
    """Open the dashboard of a server that runs already; it is only observed.

    Without TARGET, list the servers of this machine. The exit code is 4 if a right is missing.
    """
    from echo_tui.observers.targets import NotPermitted, find_target, listeners, looks_like_target, owners, process_name

    if target is None:
        if not stdout_is_open():
            raise BadRequest(CLOSED)
        for one in sorted(listeners(), key=lambda one: one.port):
            pids = owners([one.inode])
            print(f"{one.address:<24} {process_name(pids[0]) if pids else 'of another user'}")
        return
    if not looks_like_target(target):
        raise BadRequest(f"{target!r} is no PID, :PORT or HOST:PORT; 'echo-tui attach' lists the servers")
    elsewhere = [name for name in ("stdin", "stdout", "stderr") if not getattr(sys, name).isatty()]
    if elsewhere or os.environ.get("TERM") == "dumb":
        raise BadRequest(f"the dashboard needs a terminal; 'echo-tui watch {target}' does without")
    try:
        found = find_target(target, port)
    except NotPermitted as refused:
        print(f"echo-tui: {refused}", file=sys.stderr)
        sys.exit(NO_PERMISSION)
    from echo_tui.run.live import Plan
    from echo_tui.tui.app import open_dashboard

    sys.exit(open_dashboard(Plan(stall_after=stall_after), theme, target=found))
