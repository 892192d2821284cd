"""`echo-tui [PATTERN]`: the dashboard."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import cloup
from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern, find
from echo_servers.server import BadRequest, Options

from echo_tui.cli.options import (
    PatternName,
    no_reports_option,
    recording_options,
    remembering,
    require_evidence,
    server_options,
    with_options,
)
from echo_tui.cli.parameters import ListParameter, NumberParameter, ThemeParameter
from echo_tui.config import LEAST, MOST

if TYPE_CHECKING:
    from echo_tui.run.recorder import Recording

F = TypeVar("F", bound=Callable[..., Any])


def screen_options(command: F) -> F:
    """The options of the dashboard alone."""
    return cloup.option_group(
        "Dashboard",
        cloup.option(
            "--clients",
            type=NumberParameter(0, 5000, "clients"),
            default=0,
            show_default=True,
            help="Clients to open at once.",
        ),
        cloup.option("--theme", type=ThemeParameter(), help="Colours, by name (the palette lists them)."),
        cloup.option(
            "--stall-after",
            type=NumberParameter(LEAST, MOST, "stall-after"),
            metavar="MS",
            help="From how many milliseconds on a wait is a stall. [default: 100]",
        ),
        cloup.option(
            "--scenes", type=ListParameter(find), help="Patterns that . and , walk. [default: the article's twelve]"
        ),
        no_reports_option(),
    )(command)


@cloup.command(hidden=True)
@cloup.argument("pattern", type=PatternName(), required=False)
@server_options
@screen_options
@recording_options
@with_options
def dashboard(
    pattern: Pattern | None,
    options: Options,
    block: BlockSetting | None,
    clients: int,
    theme: str | None,
    stall_after: int | None,
    scenes: list[Pattern] | None,
    no_reports: bool,
    recording: "Recording",
) -> None:
    """Open the dashboard."""
    elsewhere = [name for name in ("stdin", "stdout", "stderr") if not getattr(sys, name).isatty()]
    if elsewhere or os.environ.get("TERM") == "dumb":
        why = f" as its {' and its '.join(elsewhere)}" if 0 < len(elsewhere) < 3 else ""
        raise BadRequest(f"the dashboard needs a terminal{why}; 'echo-tui serve PATTERN' does without")
    require_evidence(no_reports, options)
    from echo_tui.run.plan import Plan
    from echo_tui.tui.dashboard import open_dashboard

    plan = Plan(pattern, options, block, clients, not no_reports, stall_after)
    recorder = remembering(recording, pattern.name if pattern else "")
    sys.exit(open_dashboard(plan, theme, scenes or (), recorder=recorder))
