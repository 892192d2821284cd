"""`echo-tui attach [TARGET]` and `launch -- PROGRAM`: the dashboard of the user's own server."""

import os
import sys
from typing import TYPE_CHECKING

import click
import cloup
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest

from echo_tui.cli.options import recording_options, remembering
from echo_tui.cli.parameters import NumberParameter, ThemeParameter
from echo_tui.cli.program import WithProgram, permitted, program_line, running
from echo_tui.config import LEAST, MOST

if TYPE_CHECKING:
    from echo_tui.run.recorder import Recording

THEME = cloup.option("--theme", type=ThemeParameter(), help="Colours, by name.")
PORT = cloup.option("--port", type=NumberParameter(1, 65535, "port"), help="Of a process that listens on several.")
STACKS = cloup.option(
    "--stacks",
    type=click.Choice(("auto", "off")),
    default="auto",
    show_default=True,
    help="Whether its stacks may be read when it seems to stall (py-spy, ptrace, jcmd).",
)
STALL_AFTER = cloup.option(
    "--stall-after",
    type=NumberParameter(LEAST, MOST, "stall-after"),
    metavar="MS",
    help="From how many milliseconds on a wait is a stall. [default: 100]",
)


@cloup.command()
@cloup.argument("target", required=False, help="A PID, :PORT or HOST:PORT of this machine.")
@PORT
@THEME
@STACKS
@STALL_AFTER
@recording_options
def attach(
    target: str | None,
    port: int | None,
    theme: str | None,
    stacks: str,
    stall_after: int | None,
    recording: "Recording",
) -> None:
    """Open the dashboard of a server that runs already; it is only observed.

    Without TARGET, list the servers of this machine. The exit code is 4 if a right is missing.
    """
    from echo_tui.observers.targets import find_target, listeners, looks_like_target, owners, process_name

    if target is None:
        if not stdout_is_open():
            raise BadRequest(CLOSED)
        for one in sorted(listeners(), key=lambda one: one.port):
            pids = owners([one.inode])
            print(f"{one.address:<24} {process_name(pids[0]) if pids else 'of another user'}")
        return
    if not looks_like_target(target):
        raise BadRequest(f"{target!r} is no PID, :PORT or HOST:PORT; 'echo-tui attach' lists the servers")
    _require_terminal(f"watch {target}")
    found = permitted(lambda: find_target(target, port))
    from echo_tui.run.plan import Plan
    from echo_tui.tui.dashboard import open_dashboard

    recorder = remembering(recording, found.command)
    sys.exit(
        open_dashboard(Plan(stall_after=stall_after), theme, target=found, recorder=recorder, stacks=stacks == "auto")
    )


@cloup.command(cls=WithProgram)
@PORT
@THEME
@STACKS
@STALL_AFTER
@recording_options
@click.pass_context
def launch(
    ctx: click.Context,
    port: int | None,
    theme: str | None,
    stacks: str,
    stall_after: int | None,
    recording: "Recording",
) -> None:
    """Start your own server program, open its dashboard, and end it with that.

    The program runs in a session of its own; what it prints is among the events.
    """
    line = program_line(ctx)
    if not line:
        raise BadRequest("which program? echo-tui launch -- PROGRAM ARGUMENT ...")
    _require_terminal("watch -- PROGRAM")
    from echo_tui.run.plan import Plan
    from echo_tui.tui.dashboard import open_dashboard

    with running(line, port) as (target, program):
        plan, recorder = Plan(stall_after=stall_after), remembering(recording, target.command)
        code = open_dashboard(plan, theme, target=target, program=program, recorder=recorder, stacks=stacks == "auto")
    sys.exit(code)


def _require_terminal(instead: str) -> None:
    elsewhere = [name for name in ("stdin", "stdout", "stderr") if not getattr(sys, name).isatty()]
    if elsewhere or os.environ.get("TERM") == "dumb":
        raise BadRequest(f"the dashboard needs a terminal; 'echo-tui {instead}' does without")
