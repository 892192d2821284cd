"""Run one server: `python -m echo_servers NAME`. It prints the article's lines, or reports to the pipe it is given."""

import argparse
import os
import signal
import sys
import traceback
from dataclasses import dataclass, fields
from typing import NoReturn

from echo_servers import leash, stacks
from echo_servers.block import BlockPage, BlockSetting
from echo_servers.both import BothReport
from echo_servers.catalog import find
from echo_servers.counters import CounterRegion
from echo_servers.descriptors import CLOSED, TOO_FEW, has_spare, open_standard_descriptors, shortage, stdout_is_open
from echo_servers.limits import raise_descriptor_limit
from echo_servers.piped import PipedReport
from echo_servers.plain import plain
from echo_servers.printed import PrintedReport
from echo_servers.report import Report
from echo_servers.server import SHARES, USAGE, BadRequest, Options, Server


@dataclass
class Request:
    """The request for one server; the descriptors are those that a dashboard passes on."""

    pattern: str
    options: Options
    block: BlockSetting | None = None
    quiet: bool = False
    events: int | None = None
    counters: int | None = None
    page: int | None = None
    leash: int | None = None
    stacks: int | None = None


def run(request: Request) -> None:
    """Run a server until a signal ends it. Raises BadRequest."""
    pattern = find(request.pattern)
    if pattern.missing:
        raise BadRequest(pattern.missing)
    for option, value in (("workers", request.options.workers), ("ceiling", request.options.ceiling)):
        if value is not None and value < 1:
            raise BadRequest(f"--{option} must be at least 1, not {value}")
    if request.quiet and request.options.print:
        raise BadRequest("--print and --quiet exclude each other")
    # The default actions end the server at once, whatever Python is doing; its workers have parent-death pipes.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_DFL)
    raise_descriptor_limit()
    if not has_spare():
        raise BadRequest(TOO_FEW)
    if request.leash is not None:
        leash.wear(request.leash, -os.getpgrp())
    if request.stacks is not None:
        stacks.answer(request.stacks)
    page = BlockPage(-1 if request.page is None else request.page)
    if request.page is None:
        page.arm(request.block or pattern.block)
    report = _report(request)
    try:
        pattern.load()(Server(report, page, request.options))
    except (OSError, RuntimeError) as failure:
        if pattern.serves and (words := shortage(failure)):
            sys.unraisablehook = lambda unraisable: None  # half-made objects fail when collected
            raise BadRequest(words) from failure
        raise
    finally:
        report.flush()


def _report(request: Request) -> Report:
    if request.events is None:
        if not (request.quiet or stdout_is_open()):
            raise BadRequest(f"{CLOSED}: with --quiet it serves all the same")
        return Report() if request.quiet else PrintedReport()
    piped = PipedReport(request.events, None if request.counters is None else CounterRegion(request.counters))
    return BothReport(piped, PrintedReport()) if request.options.print else piped


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {plain(message)}\n")


def _block(text: str) -> BlockSetting:
    try:
        return BlockSetting.parse(text)
    except ValueError as refusal:
        raise argparse.ArgumentTypeError(str(refusal)) from None


def main() -> None:
    """Read the command line and run."""
    open_standard_descriptors()
    parser = OneLineParser(prog="python -m echo_servers", description=__doc__)
    parser.add_argument("pattern")
    parser.add_argument("--host", default=Options.host)
    parser.add_argument("--port", type=int, default=Options.port)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--ceiling", type=int)
    parser.add_argument("--share", choices=SHARES)
    parser.add_argument("--print", action="store_true", help="print the lines also when reporting to a pipe")
    parser.add_argument("--block", type=_block, metavar="KIND:SECONDS")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    for descriptor in ("--events", "--counters", "--page", "--leash", "--stacks"):
        parser.add_argument(descriptor, type=int, help=argparse.SUPPRESS)
    try:
        asked = vars(parser.parse_args())
        options = Options(**{option.name: asked.pop(option.name) for option in fields(Options)})
        run(Request(options=options, **asked))
    except BadRequest as refusal:
        print(f"{parser.prog}: {plain(str(refusal))}", file=sys.stderr)
        sys.exit(USAGE)
    except Exception as failure:
        print_from_pattern(failure)
        sys.exit(1)


def print_from_pattern(failure: Exception) -> None:
    """Print a traceback that begins in the pattern's own file."""
    where = failure.__traceback__
    while where and where.tb_frame.f_code.co_filename == __file__ and where.tb_next:
        where = where.tb_next
    traceback.print_exception(failure.with_traceback(where))
