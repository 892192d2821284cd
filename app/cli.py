"""The echo-tui command. It imports the screen only when the screen is wanted."""

import dataclasses
import difflib
import errno
import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
import cloup
from click.shell_completion import CompletionItem, get_completion_class
from cloup.constraints import mutually_exclusive

from app.config import LEAST, MOST
from app.parameters import Block, Number, Seconds, Several, kind_of_block
from servers.__main__ import USAGE, Request, print_from_pattern, run
from servers.block import KINDS, BlockSetting
from servers.catalog import BY_NAME, FAMILIES, PATTERNS, Pattern, find
from servers.server import SHARES, BadRequest, Options

EXAMPLES = """
\b
Examples:
  echo-tui                               the dashboard; choose a pattern there
  echo-tui asyncio-blocking --clients 3  a loop that stalls, and three clients
  echo-tui multithread --block sleep:2   with the blocking call switched on
  echo-tui serve select-loop             one server alone, in this terminal
  echo-tui matrix --patterns asyncio     who suffers, measured
  nc 127.0.0.1 37564                     a client of it, in another terminal
"""
SHARE_HELP = (
    "How the processes of process-loops share the port: accept (one socket, a connection wakes one of them, where the "
    "system can do that), reuseport (a socket each), herd (one socket, it wakes them all). [default: accept]"
)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""How the system says that nothing more can be written."""
F = TypeVar("F", bound=Callable[..., Any])


class PatternName(click.ParamType[Pattern]):
    """The name of a pattern; a wrong one is told the nearest right one, or command where that may stand."""

    name = "pattern"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pattern:
        if isinstance(value, Pattern):
            return value
        try:
            return find(value)
        except BadRequest as refusal:
            hint = near_command(value) if param and not param.required else ""
            raise click.UsageError(hint or str(refusal)) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return pattern_names(incomplete)


def near_command(word: str) -> str:
    """What to say about a word that looks more like a command than like a pattern; empty if it does not."""
    commands = [name for name, command in cli.commands.items() if not command.hidden]
    if word in commands:
        return f"{word!r} comes first: echo-tui {word} ..."
    near = difflib.get_close_matches(word, [*commands, *BY_NAME], n=1)
    return f"unknown pattern or command {word!r}: did you mean {near[0]!r}?" if near and near[0] in commands else ""


def pattern_names(incomplete: str) -> list[CompletionItem]:
    """The patterns that a word begins, for the shell."""
    return [CompletionItem(p.name, help=p.title) for p in PATTERNS if p.name.startswith(incomplete)]


def with_options(command: F) -> F:
    """Hand a command those of its options that make `Options` as one."""

    @functools.wraps(command)
    def handed(**asked: Any) -> Any:
        options = Options(**{option.name: asked.pop(option.name) for option in dataclasses.fields(Options)})
        return command(options=options, **asked)

    return cast(F, handed)


def server_options(command: F) -> F:
    """The options that say how a server runs."""
    return cloup.option_group(
        "Server",
        cloup.option("--host", default=Options.host, show_default=True, help="Address to listen on."),
        cloup.option(
            "--port",
            type=Number(0, 65535, "port"),
            default=Options.port,
            show_default=True,
            help="0 takes any free one.",
        ),
        cloup.option(
            "--workers", type=Number(1, 1000, "workers"), help="Size of a pool. [default: 10 threads, or one per core]"
        ),
        cloup.option("--ceiling", type=Number(1, 1_000_000, "ceiling"), help="Most threads of too-many-threads."),
        cloup.option("--share", type=click.Choice(SHARES), metavar="WAY", help=SHARE_HELP),
        cloup.option("--block", type=Block(), help="Mix in a blocking call, such as sleep:2, or sleep:2/10."),
        cloup.option("--print", is_flag=True, help="In the dashboard, print as 'serve' does: that blocks too."),
    )(command)


def screen_options(command: F) -> F:
    """The options of the dashboard alone."""
    return cloup.option_group(
        "Dashboard",
        cloup.option(
            "--clients", type=Number(0, 5000, "clients"), default=0, show_default=True, help="Clients to open at once."
        ),
        cloup.option("--theme", help="Colours, by name (the palette lists them)."),
        cloup.option(
            "--stall-after",
            type=Number(LEAST, MOST, "stall-after"),
            metavar="MS",
            help="From how many milliseconds on a wait is a stall. [default: 100]",
        ),
    )(command)


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
@cloup.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show it.")
def cli(**ignored: Any) -> None:
    """See how a socket server's architecture behaves.

    Without a command it opens the dashboard, with PATTERN started at once if one is named.
    """


@cli.command(hidden=True)
@cloup.argument("pattern", type=PatternName(), required=False)
@server_options
@screen_options
@with_options
def dashboard(
    pattern: Pattern | None,
    options: Options,
    block: BlockSetting | None,
    clients: int,
    theme: str | None,
    stall_after: int | None,
) -> None:
    """Open the dashboard."""
    elsewhere = [name for name in ("stdin", "stdout", "stderr") if not getattr(sys, name).isatty()]
    if elsewhere or os.environ.get("TERM") == "dumb":
        why = f" as its {' and its '.join(elsewhere)}" if 0 < len(elsewhere) < 3 else ""
        raise BadRequest(f"the dashboard needs a terminal{why}; 'echo-tui serve PATTERN' does without")
    from app.live import Plan
    from app.tui.app import open_dashboard

    sys.exit(open_dashboard(Plan(pattern, options, block, clients, stall_after), theme))


@cli.command()
@cloup.argument("pattern", type=PatternName(), help="See 'echo-tui list'.")
@server_options
@cloup.option("--quiet", is_flag=True, help="Print nothing.")
@with_options
def serve(pattern: Pattern, options: Options, block: BlockSetting | None, quiet: bool) -> None:
    """Run one server in this terminal; it prints what it does to stdout."""
    try:
        run(Request(pattern.name, options, block, quiet))
    except BadRequest:
        raise
    except Exception as failure:
        own = failure.__traceback__
        print_from_pattern(failure.with_traceback(own and own.tb_next))
        sys.exit(1)


@cli.command(name="list")
@cloup.option("--json", "as_json", is_flag=True, help="As JSON, with each pattern's story.")
def list_patterns(as_json: bool) -> None:
    """List the patterns."""
    if as_json:
        fields = ("name", "family", "title", "story", "watch", "blocking", "serves", "missing")
        click.echo(json.dumps([{field: getattr(p, field) for field in fields} for p in PATTERNS], indent=2))
        return
    width = max(map(len, BY_NAME))
    for family in FAMILIES:
        click.echo(family.upper())
        for pattern in PATTERNS:
            if pattern.family == family:
                missing = f"  ({pattern.missing})" if pattern.missing else ""
                click.echo(f"  {pattern.name:{width}}  {pattern.title}{missing}")


@cli.command()
@cloup.option("--patterns", type=Several(find), help="Some patterns only, such as asyncio,eventlet.")
@cloup.option("--kinds", type=Several(kind_of_block), help=f"Some kinds of block only, of {','.join(KINDS)}.")
@cloup.option(
    "--seconds", type=Seconds(), default=1.0, show_default=True, help="How long each block lasts, from 0.2 to 10."
)
@cloup.option_group(
    "Output",
    cloup.option("--json", is_flag=True, help="All that was measured."),
    cloup.option("--markdown", is_flag=True, help="A table for a document."),
    cloup.option(
        "--csv",
        is_flag=True,
        help="A line for each client that looked on; machine, versions, parameters as columns.",
    ),
    constraint=mutually_exclusive,
)
def matrix(patterns: list[Pattern] | None, kinds: list[str] | None, seconds: float, **forms: bool) -> None:
    """Measure who suffers: each pattern, with each kind of block."""
    from app.matrix.command import run_matrix

    form = next((form for form, wanted in forms.items() if wanted), None)
    sys.exit(run_matrix(patterns or list(PATTERNS), kinds or list(KINDS), seconds, form))


@cli.command()
@cloup.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell you use.")
def completion(shell: str) -> None:
    """Print the shell's completion: eval "$(echo-tui completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise BadRequest(f"no completion for {shell}")
    click.echo(kind(cli, {}, "echo-tui", "_ECHO_TUI_COMPLETE").source())


def main() -> None:
    """Run the command; what can't be done is said in one line, with exit code 2."""
    try:
        sys.exit(cli.main(prog_name="echo-tui", standalone_mode=False) or 0)
    except click.ClickException as error:
        text = " ".join(error.format_message().split())
        _complain(text if isinstance(error, click.UsageError) and error.ctx is None else f"{text} (see --help)")
    except BadRequest as refusal:
        _complain(str(refusal))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stdout = None
        sys.exit(1)
    except OSError as failure:
        if failure.errno not in NO_ROOM or failure.filename:
            raise
        sys.stdout = None  # what is left in it can't be written either
        _complain(f"stdout takes no more: {failure.strerror}")


def _complain(text: str) -> None:
    click.echo(f"echo-tui: {text}", err=True)
    sys.exit(USAGE)


if __name__ == "__main__":
    main()
