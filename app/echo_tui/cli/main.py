"""Run the command, and turn what can't be done into one line and an exit code."""

import errno
import signal
import sys

import click
from echo_servers.__main__ import USAGE
from echo_servers.descriptors import shortage
from echo_servers.plain import plain
from echo_servers.server import BadRequest

from echo_tui.cli.root import cli

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""How the system says that nothing more can be written."""


def main() -> None:
    """Run the command; what can't be done is said in one line, with exit code 2."""
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
        sys.stdout = None  # what is left in it can't be written either
        _complain(f"stdout takes no more: {failure.strerror}")


def _complain(text: str) -> None:
    # What a user or a file has named may hold what a terminal obeys.
    click.echo(f"echo-tui: {plain(text)}", err=True)
    sys.exit(USAGE)
