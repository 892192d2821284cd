"""Run the client process: `python -m echo_tui.clients --events FD`. Standard input has the commands, and ends it."""

import argparse
import contextlib
import os
import signal
import traceback

from echo_servers import leash
from echo_servers.limits import raise_descriptor_limit

from echo_tui.clients.events import Events
from echo_tui.clients.group import ClientGroup
from echo_tui.model.client_notes import ClientNote


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m echo_tui.clients", description=__doc__)
    parser.add_argument("--events", type=int, required=True, metavar="FD", help="pipe for the observations")
    parser.add_argument("--leash", type=int, metavar="FD", help="pipe whose hang-up ends the process")
    arguments = parser.parse_args()
    # The terminal's Ctrl-C is for the dashboard.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if arguments.leash is not None:
        leash.wear(arguments.leash, os.getpid())
    raise_descriptor_limit()
    run(Events(arguments.events))


def run(events: Events) -> None:
    """Run until standard input ends. Errors are reported on the pipe, if it is read."""
    try:
        ClientGroup(events).run()
    except BrokenPipeError:
        return
    except Exception as failure:
        where = traceback.extract_tb(failure.__traceback__)[-1]
        events.note(ClientNote.FAILED, f"{failure!r} ({os.path.basename(where.filename)}:{where.lineno})")
    with contextlib.suppress(BrokenPipeError):
        events.flush()


if __name__ == "__main__":
    main()
