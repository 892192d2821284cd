"""`echo-tui watch PATTERN`: a run without a screen."""

import sys

import cloup
from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest, Options

from echo_tui.cli.options import PatternName, no_reports_option, require_evidence, server_options, with_options
from echo_tui.cli.parameters import Duration, Load, Number
from echo_tui.config import LEAST, MOST


@cloup.command()
@cloup.argument("pattern", type=PatternName(), help="See 'echo-tui list'.")
@server_options
@cloup.option_group(
    "Clients",
    cloup.option("--clients", type=Number(0, 5000, "clients"), default=0, show_default=True, help="Clients to open."),
    cloup.option("--load", type=Load(), help="Messages each client sends a second, and their size: 10 or 10x64k."),
)
@cloup.option_group(
    "Run",
    cloup.option("--for", "seconds", type=Duration(), help="How long: 500ms, 10s, 2m. [default: until Ctrl-C]"),
    no_reports_option(),
    cloup.option("--json", "as_json", is_flag=True, help="All observations, stalls and the summary as JSON Lines."),
    cloup.option(
        "--stall-after",
        type=Number(LEAST, MOST, "stall-after"),
        metavar="MS",
        help="From how many milliseconds on a wait is a stall. [default: 100]",
    ),
)
@with_options
def watch(
    pattern: Pattern,
    options: Options,
    block: BlockSetting | None,
    clients: int,
    load: tuple[float, int] | None,
    seconds: float | None,
    no_reports: bool,
    as_json: bool,
    stall_after: int | None,
) -> None:
    """Watch one server without a screen: a line for each stall, and a summary.

    The exit code is 3 if there was a stall, and 0 if there was none.
    """
    if not stdout_is_open():
        raise BadRequest(CLOSED)
    if pattern.missing:
        raise BadRequest(pattern.missing)
    require_evidence(no_reports, options)
    from echo_tui.run.headless import Headless
    from echo_tui.run.live import Plan

    plan = Plan(pattern, options, block, clients, not no_reports, stall_after)
    sys.exit(Headless(pattern, plan, load, as_json).run(seconds))
