"""Run the command, and turn errors of the user into one line and an exit code."""

import errno
import signal
import sys

import click
from echo_servers.descriptors import shortage
from echo_servers.plain import plain
from echo_servers.server import USAGE, BadRequest

from echo_tui.cli.root import cli

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""The errors of a system that has no room for more output."""


def main() -> None:
    """Run the command; a request that can't be met is one line, with exit code 2."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
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
    except (OSError, RuntimeError) as failure:
        if words := shortage(failure):
            _complain(words)
        if not isinstance(failure, OSError) or failure.errno not in NO_ROOM or failure.filename:
            raise
        sys.stdout = None  # what is left in the buffer can't be written either
        _complain(f"stdout takes no more: {failure.strerror}")


def _complain(text: str) -> None:
    # Names from a user or a file may hold what a terminal obeys.
    click.echo(f"echo-tui: {plain(text)}", err=True)
    sys.exit(USAGE)
