"""What a run without a screen writes to stdout: stalls as text, or everything as JSON Lines, and a summary."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec

from echo_tui.diagnosis.report import StallReporter
from echo_tui.model.observations import ENCODER, Observation
from echo_tui.reports.lines import stall_line, summary_lines
from echo_tui.reports.summary import Latencies, summarize
from echo_tui.run.privacy import Privacy
from echo_tui.session.session import Session

Parameters = dict[str, str | int | float | bool | None]
"""What a run was asked for, by name."""
SCHEMA = 1
"""The version of the JSON Lines format."""
TOLD = ("opened", "closed", "withdrawn")
"""The changes of a stall that are printed as text; JSON has all."""


class Header(msgspec.Struct, tag_field="type", tag="header"):
    """The first line of a stream. Times are ns of the monotonic clock; `wall` is the time `at` in UTC."""

    schema: int
    at: int
    wall: str
    echo_tui: str
    python: str
    system: str
    target: str
    parameters: Parameters
    cores: int = 0
    dropped: int = 0
    """The number of observations before these that were dropped; `begin` is the time of the last one then."""
    begin: int = 0


def new_header(target: str, parameters: Parameters, at: int) -> Header:
    """Return the first line of a stream that begins at a time (ns)."""
    wall = datetime.now(UTC).isoformat()
    python, system = platform.python_version(), platform.platform()
    cores = os.cpu_count() or 0
    return Header(SCHEMA, at, wall, version("echo-tui"), python, system, target, parameters, cores)


class Stream:
    """The output of one run; times in text are since `start` (ns)."""

    def __init__(
        self, target: str, parameters: Parameters, start: int, as_json: bool, privacy: Privacy | None = None
    ) -> None:
        self.start, self.as_json = start, as_json
        self._latencies = Latencies()
        self._reporter = StallReporter()
        self._privacy = privacy or Privacy()
        if as_json:
            self._write(new_header(target, parameters, start))

    def hear(self, found: Sequence[Observation]) -> None:
        """Write observations, as far as they are written."""
        self._latencies.add(found)
        if self.as_json:
            sys.stdout.write(self._privacy.scrub(ENCODER.encode_lines(self._privacy.kept(found))).decode())

    def stalls(self, session: Session, now: int) -> None:
        """Write what has happened to the stalls of a session."""
        for report in self._reporter.report(list(session.stalls.all), now):
            if self.as_json:
                self._write(report)
            elif report.event in TOLD:
                print(stall_line(report, self.start), flush=True)
        sys.stdout.flush()

    def summary(self, session: Session, now: int, left: tuple[int, int], code: int) -> None:
        """Write the summary; `left` are the connections open, and those in the accept queue, at the end."""
        found = summarize(session, self._latencies, (now - self.start) / 1e9, left, code)
        if self.as_json:
            self._write(found)
        else:
            print(*summary_lines(found), sep="\n")
        sys.stdout.flush()

    def _write(self, item: msgspec.Struct) -> None:
        sys.stdout.write(self._privacy.scrub(ENCODER.encode(item)).decode() + "\n")


def left(session: Session) -> tuple[int, int]:
    """Return the number of open connections, and of those in the accept queue."""
    accepted = [bool(connection.accepted_at) for connection in session.connections.values()]
    return accepted.count(True), accepted.count(False)
