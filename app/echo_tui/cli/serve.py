"""`echo-tui serve PATTERN`: one server alone."""

import sys

import cloup
from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern
from echo_servers.server import BadRequest, Options

from echo_tui.cli.options import PatternName, server_options, with_options


@cloup.command()
@cloup.argument("pattern", type=PatternName(), help="See 'echo-tui list'.")
@server_options
@cloup.option("--quiet", is_flag=True, help="Print nothing.")
@with_options
def serve(pattern: Pattern, options: Options, block: BlockSetting | None, quiet: bool) -> None:
    """Run one server in this terminal; it prints what it does to stdout."""
    from echo_servers.command import Request, print_from_pattern, run

    try:
        run(Request(pattern.name, options, block, quiet))
    except BadRequest:
        raise
    except Exception as failure:
        own = failure.__traceback__
        print_from_pattern(failure.with_traceback(own and own.tb_next))
        sys.exit(1)
