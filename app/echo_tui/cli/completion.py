"""`echo-tui completion SHELL`: the completion script of a shell."""

import click
import cloup
from click.shell_completion import get_completion_class
from echo_servers.server import BadRequest


@cloup.command()
@cloup.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell you use.")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the shell's completion: eval "$(echo-tui completion bash)"."""
    kind = get_completion_class(shell)
    if kind is None:
        raise BadRequest(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "echo-tui", "_ECHO_TUI_COMPLETE").source())
