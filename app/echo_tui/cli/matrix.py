"""`echo-tui matrix`: the isolation matrix, measured."""

import sys
from typing import TYPE_CHECKING

import cloup
from cloup.constraints import mutually_exclusive
from echo_servers.block import KINDS
from echo_servers.catalog import PATTERNS, Pattern, find
from echo_servers.descriptors import CLOSED, stdout_is_open
from echo_servers.server import BadRequest

from echo_tui.cli.options import recording_options
from echo_tui.cli.parameters import ListParameter, SecondsParameter, kind_of_block

if TYPE_CHECKING:
    from echo_tui.run.recorder import Recording


@cloup.command()
@cloup.option("--patterns", type=ListParameter(find), help="Some patterns only, such as asyncio,eventlet.")
@cloup.option("--kinds", type=ListParameter(kind_of_block), help=f"Some kinds of block only, of {','.join(KINDS)}.")
@cloup.option(
    "--seconds",
    type=SecondsParameter(),
    default=1.0,
    show_default=True,
    help="How long each block lasts, from 0.2 to 10.",
)
@cloup.option_group(
    "Output",
    cloup.option("--json", is_flag=True, help="All that was measured."),
    cloup.option("--markdown", is_flag=True, help="A table for a document."),
    cloup.option(
        "--csv",
        is_flag=True,
        help="A line for each of the other clients; machine, versions, parameters as columns.",
    ),
    constraint=mutually_exclusive,
)
@cloup.option(
    "--fail-on-unexpected", is_flag=True, help="Exit with code 3 if a cell is not as its architecture predicts."
)
@recording_options
def matrix(
    patterns: list[Pattern] | None,
    kinds: list[str] | None,
    seconds: float,
    fail_on_unexpected: bool,
    recording: "Recording",
    **forms: bool,
) -> None:
    """Measure how a blocking call by one client affects the others."""
    if not stdout_is_open():
        raise BadRequest(CLOSED)
    from echo_tui.experiments.command import run_matrix

    form = next((form for form, wanted in forms.items() if wanted), None)
    wanted = [(pattern, kind) for pattern in patterns or PATTERNS for kind in kinds or KINDS]
    sys.exit(run_matrix(wanted, seconds, form, fail_on_unexpected, recording))
