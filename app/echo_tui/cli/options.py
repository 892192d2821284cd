"""Options and arguments that several commands share."""

import dataclasses
import difflib
import functools
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
import cloup
from click.shell_completion import CompletionItem
from echo_servers.catalog import BY_NAME, PATTERNS, Pattern, find
from echo_servers.server import SHARES, BadRequest, Options

from echo_tui.cli.parameters import BlockParameter, NumberParameter

if TYPE_CHECKING:
    from echo_tui.run.recorder import Recorder, Recording

SHARE_HELP = (
    "How the processes of process-loops share the port: accept (one socket, a connection wakes one of them, where the "
    "system can do that), reuseport (a socket each), herd (one socket, it wakes them all). [default: accept]"
)
F = TypeVar("F", bound=Callable[..., Any])


class PatternName(click.ParamType[Pattern]):
    """The name of a pattern; the error for a wrong one suggests the nearest pattern or command."""

    name = "pattern"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pattern:
        if isinstance(value, Pattern):
            return value
        try:
            return find(value)
        except BadRequest as refusal:
            hint = _near_command(value, ctx) if ctx and param and not param.required else ""
            raise click.UsageError(hint or str(refusal)) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return pattern_names(incomplete)


def _near_command(word: str, ctx: click.Context) -> str:
    """Return a hint for a word that looks more like a command than like a pattern; empty if it does not."""
    root = ctx.find_root().command
    if not isinstance(root, click.Group):
        return ""
    commands = [name for name, command in root.commands.items() if not command.hidden]
    if word in commands:
        return f"{word!r} comes first: echo-tui {word} ..."
    near = difflib.get_close_matches(word, [*commands, *BY_NAME], n=1)
    return f"unknown pattern or command {word!r}: did you mean {near[0]!r}?" if near and near[0] in commands else ""


def pattern_names(incomplete: str) -> list[CompletionItem]:
    """Return the patterns whose names begin with a word, for the shell's completion."""
    return [CompletionItem(p.name, help=p.title) for p in PATTERNS if p.name.startswith(incomplete)]


def with_options(command: F) -> F:
    """Pass the server's options to a command as one `Options`."""

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
            type=NumberParameter(0, 65535, "port"),
            default=Options.port,
            show_default=True,
            help="0 picks a free port.",
        ),
        cloup.option(
            "--workers",
            type=NumberParameter(1, 1000, "workers"),
            help="Size of a pool. [default: 10 threads, or one per core]",
        ),
        cloup.option(
            "--ceiling", type=NumberParameter(1, 1_000_000, "ceiling"), help="Most threads of too-many-threads."
        ),
        cloup.option("--share", type=click.Choice(SHARES), metavar="WAY", help=SHARE_HELP),
        cloup.option("--block", type=BlockParameter(), help="Inject a blocking call, such as sleep:2, or sleep:2/10."),
        cloup.option("--print", is_flag=True, help="In the dashboard, print as 'serve' does: that blocks too."),
    )(command)


def recording_options(command: F) -> F:
    """The options that say what is recorded, and where; passed to the command as `recording`."""

    @functools.wraps(command)
    def handed(record: str | None, no_payload: bool, no_source: bool, anonymise: bool, **asked: Any) -> Any:
        from echo_tui.run.privacy import Privacy
        from echo_tui.run.recorder import Recording

        privacy = Privacy(not no_payload, not no_source, anonymise)
        return command(recording=Recording(record, privacy), **asked)

    return cloup.option_group(
        "Recording",
        cloup.option(
            "--record",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Record all observations; FILE.gz and FILE.zst are compressed.",
        ),
        cloup.option("--no-payload", is_flag=True, help="Leave out what clients and the server send and print."),
        cloup.option("--no-source", is_flag=True, help="Leave out the source code that lines of stalls are in."),
        cloup.option("--anonymise", is_flag=True, help="Replace addresses, each by the same one always."),
    )(cast(F, handed))


def remembering(recording: "Recording", target: str) -> "Recorder":
    """Return the recorder of a dashboard, which remembers the last minutes. Raises BadRequest."""
    from echo_tui.run.header import new_header
    from echo_tui.run.ring import Ring

    return recording.recorder(new_header(target, {}, time.monotonic_ns()), Ring())


def no_reports_option() -> Callable[[F], F]:
    """The option for a server that reports nothing."""
    words = "The server reports nothing: all is inferred from the kernel's evidence."
    return cloup.option("--no-reports", is_flag=True, help=words)


def require_evidence(no_reports: bool, options: Options) -> None:
    """Check that a server without reports can be observed. Raises BadRequest."""
    if no_reports and not sys.platform.startswith("linux"):
        raise BadRequest("--no-reports needs the kernel's evidence of sockets and threads, which only Linux gives")
    if no_reports and not options.port:
        raise BadRequest("--no-reports needs a --port: a server that reports nothing can't say which one it has got")
