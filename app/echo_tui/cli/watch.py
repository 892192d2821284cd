"""`echo-tui watch TARGET`: a run without a screen."""

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click
import cloup
from click.shell_completion import CompletionItem
from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest, Options

from echo_tui.cli.options import (
    PatternName,
    no_reports_option,
    recording_options,
    require_evidence,
    server_options,
    with_options,
)
from echo_tui.cli.parameters import DurationParameter, LoadParameter, NumberParameter
from echo_tui.cli.program import WithProgram, permitted, program_line, running
from echo_tui.config import LEAST, MOST

if TYPE_CHECKING:
    from echo_tui.run.recorder import Recording


class PatternOrTarget(click.ParamType[Any]):
    """The name of a pattern, or a running server: a process id, `:PORT` or `HOST:PORT`."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pattern | str:
        from echo_tui.observers.targets import looks_like_target

        if isinstance(value, str) and looks_like_target(value):
            return value
        return PatternName().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return PatternName().shell_complete(ctx, param, incomplete)


@cloup.command(cls=WithProgram)
@cloup.argument(
    "target", required=False, type=PatternOrTarget(), help="A pattern ('echo-tui list'), or a PID, :PORT or HOST:PORT."
)
@server_options
@cloup.option_group(
    "Clients",
    cloup.option(
        "--clients", type=NumberParameter(0, 5000, "clients"), default=0, show_default=True, help="Clients to open."
    ),
    cloup.option(
        "--load", type=LoadParameter(), help="Messages each client sends a second, and their size: 10 or 10x64k."
    ),
)
@cloup.option_group(
    "Run",
    cloup.option(
        "--for", "seconds", type=DurationParameter(), help="How long: 500ms, 10s, 2m. [default: until Ctrl-C]"
    ),
    no_reports_option(),
    cloup.option(
        "--stacks",
        type=click.Choice(("auto", "off")),
        default="auto",
        show_default=True,
        help="Whether the stacks of a running server may be read when it seems to stall (py-spy, ptrace, jcmd).",
    ),
    cloup.option(
        "--fail-on",
        type=click.Choice(("stall", "nothing")),
        default="stall",
        show_default=True,
        help="Whether the exit code is 3 if there was a stall, or 0 all the same.",
    ),
    cloup.option("--json", "as_json", is_flag=True, help="All observations, stalls and the summary as JSON Lines."),
    cloup.option(
        "--stall-after",
        type=NumberParameter(LEAST, MOST, "stall-after"),
        metavar="MS",
        help="From how many milliseconds on a wait is a stall. [default: 100]",
    ),
)
@recording_options
@with_options
@click.pass_context
def watch(
    ctx: click.Context,
    target: Pattern | str | None,
    options: Options,
    block: BlockSetting | None,
    clients: int,
    load: tuple[float, int] | None,
    seconds: float | None,
    no_reports: bool,
    stacks: str,
    fail_on: str,
    as_json: bool,
    stall_after: int | None,
    recording: "Recording",
) -> None:
    """Watch one server without a screen: a line for each stall, and a summary.

    TARGET is a pattern, which is started, or a running server of this machine, which is only observed; a program of
    your own after -- is started. The exit code is 0 without a stall, 3 if there was one, 4 if a right is missing, and 5
    if a running server has ended.
    """
    if not stdout_is_open():
        raise BadRequest(CLOSED)
    if (line := program_line(ctx)) and target is None:
        _end(fail_on, _watch_program(ctx, line, seconds, stacks == "auto", as_json, stall_after, recording))
    if target is None or line:
        raise BadRequest("watch what? A pattern, a PID, :PORT, HOST:PORT, or -- PROGRAM ARGUMENT ...")
    if isinstance(target, str):
        _end(fail_on, _watch_target(ctx, target, seconds, stacks == "auto", as_json, stall_after, recording))
    if target.missing:
        raise BadRequest(target.missing)
    require_evidence(no_reports, options)
    from echo_tui.run.headless import Headless
    from echo_tui.run.plan import Plan

    plan = Plan(target, options, block, clients, not no_reports, stall_after)
    _end(fail_on, Headless(target, plan, load, as_json, recording).run(seconds))


def _end(fail_on: str, code: int) -> NoReturn:
    """End with an exit code; a stall makes none if it was not asked for."""
    from echo_tui.run.headless import STALLS_SEEN

    sys.exit(0 if code == STALLS_SEEN and fail_on == "nothing" else code)


OF_PATTERNS = ("host", "workers", "ceiling", "share", "block", "print", "clients", "load", "no_reports")
"""Parameters that make no sense for a server that runs already."""


def _watch_target(
    ctx: click.Context,
    text: str,
    seconds: float | None,
    stacks: bool,
    as_json: bool,
    stall_after: int | None,
    recording: "Recording",
) -> int:
    """Watch a running server, and return the exit code. Raises BadRequest."""
    from echo_tui.observers.targets import find_target
    from echo_tui.run.headless import watch_target

    target = permitted(lambda: find_target(text, _port(ctx, text)))
    return watch_target(target, stall_after, stacks, seconds, as_json, recording=recording)


def _watch_program(
    ctx: click.Context,
    line: list[str],
    seconds: float | None,
    stacks: bool,
    as_json: bool,
    stall_after: int | None,
    recording: "Recording",
) -> int:
    """Start a program, watch it, end it, and return the exit code. Raises BadRequest."""
    from echo_tui.run.headless import watch_target

    with running(line, _port(ctx, line[0])) as (target, program):
        return watch_target(target, stall_after, stacks, seconds, as_json, program, recording)


def _port(ctx: click.Context, what: str) -> int | None:
    """Return the port that was asked for. Raises BadRequest for options that only a pattern has."""
    asked = {name for name in ctx.params if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE}
    if given := [name for name in OF_PATTERNS if name in asked]:
        raise BadRequest(f"--{given[0].replace('_', '-')} is for a pattern; {what} is only observed")
    return ctx.params["port"] if "port" in asked else None
