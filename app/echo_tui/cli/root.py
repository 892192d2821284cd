"""The group that holds the commands; its first word may also be a pattern."""

from typing import Any

import click
import cloup
from click.shell_completion import CompletionItem

from echo_tui.cli.attach import attach, launch
from echo_tui.cli.completion import completion
from echo_tui.cli.dashboard import dashboard, screen_options
from echo_tui.cli.diff import diff
from echo_tui.cli.doctor import doctor
from echo_tui.cli.export import export
from echo_tui.cli.matrix import matrix
from echo_tui.cli.options import pattern_names, recording_options, server_options
from echo_tui.cli.patterns import list_patterns
from echo_tui.cli.serve import serve
from echo_tui.cli.view import view
from echo_tui.cli.watch import watch

EXAMPLES = """
\b
Examples:
  echo-tui                               the dashboard; choose a pattern there
  echo-tui asyncio-blocking --clients 3  a loop that stalls, and three clients
  echo-tui multithread --block sleep:2   with the blocking call switched on
  echo-tui serve select-loop             one server alone, in this terminal
  echo-tui attach :8000                  your own server, which runs already
  echo-tui watch :8000                   the same without a screen; --json for a script
  echo-tui matrix --patterns asyncio     the isolation matrix, measured
  nc 127.0.0.1 37564                     a client of it, in another terminal
"""


class DashboardFirst(cloup.Group):
    """A group whose first word may also be a pattern, or nothing: then it is the dashboard that is meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {*self.commands, "--help", "-h", "--version"}
        # The shell asks with the words before the one to complete: without any, a command may come too.
        if (args or not ctx.resilient_parsing) and (not args or args[0] not in own):
            args = ["dashboard", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*pattern_names(incomplete), *super().shell_complete(ctx, incomplete)]


def show_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"echo-tui {version('echo-tui')}")
        ctx.exit()


SETTINGS = cloup.Context.settings(
    help_option_names=["-h", "--help"],
    align_option_groups=True,
    formatter_settings=cloup.HelpFormatter.settings(width=88, max_width=88, col1_max_width=24),
)


@cloup.group(
    cls=DashboardFirst,
    context_settings=SETTINGS,
    epilog=EXAMPLES,
    subcommand_metavar="[PATTERN] | COMMAND ...",
    options_metavar="[OPTIONS]",
)
@server_options
@screen_options
@recording_options
@cloup.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show it.")
def cli(**ignored: Any) -> None:
    """See how a socket server's architecture behaves.

    Without a command it opens the dashboard, with PATTERN started at once if one is named.
    """


for command in (dashboard, attach, launch, serve, watch, list_patterns, view, export, diff, matrix, doctor, completion):
    cli.add_command(command)
