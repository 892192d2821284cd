"""Commands that take a program of the user's own after `--`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import cloup

if TYPE_CHECKING:
    from echo_tui.observers.program import Program
    from echo_tui.observers.targets import AttachTarget

NO_PERMISSION = 4
"""The exit code where a right is missing."""
TARGET_ENDED = 5
"""The exit code where the target ended."""
LINE = "echo_tui.program"
"""Where a context keeps the program's command line."""


class WithProgram(cloup.Command):
    """A command that takes a program and its arguments after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what follows `--` for `program_line`."""
        if "--" in args:
            place = args.index("--")
            ctx.meta[LINE] = args[place + 1 :]
            args = args[:place]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the usage, with the program."""
        return [*super().collect_usage_pieces(ctx), "[-- PROGRAM ARGUMENT ...]"]


def program_line(ctx: click.Context) -> list[str]:
    """Return the program that was given after `--`; empty without one."""
    return list(ctx.meta.get(LINE, []))


@contextmanager
def running(line: list[str], port: int | None) -> Iterator["tuple[AttachTarget, Program]"]:
    """Start a program, wait until it listens, and end it. Ends us if it ends before, or can't be seen."""
    from echo_tui.observers.program import EndedTooSoon, Program
    from echo_tui.observers.targets import NotPermitted

    program = Program(line)
    try:
        yield program.wait_until_it_listens(port), program
    except EndedTooSoon as ended:
        print(f"echo-tui: {ended}", file=sys.stderr)
        sys.exit(TARGET_ENDED)
    except NotPermitted as refused:
        print(f"echo-tui: {refused}", file=sys.stderr)
        sys.exit(NO_PERMISSION)
    finally:
        program.stop()


def permitted(find: Callable[[], Any]) -> Any:
    """Return what `find` returns; where a right is missing, say which, and end with code 4."""
    from echo_tui.observers.targets import NotPermitted

    try:
        return find()
    except NotPermitted as refused:
        print(f"echo-tui: {refused}", file=sys.stderr)
        sys.exit(NO_PERMISSION)
