"""What a run without a screen writes to stdout: stalls as text, or everything as JSON Lines, and a summary."""

import sys
from collections.abc import Sequence

import msgspec

from echo_tui.diagnosis.report import StallReporter
from echo_tui.model.observations import ENCODER, Observation
from echo_tui.reports.lines import stall_line, summary_lines
from echo_tui.reports.summary import Latencies, summarize
from echo_tui.run.header import Parameters, new_header
from echo_tui.run.recorder import Recording
from echo_tui.session.session import Session

TOLD = ("opened", "closed", "withdrawn")
"""The changes of a stall that are printed as text; JSON has all."""


class Stream:
    """The output of one run; times in text are since `start` (ns)."""

    def __init__(
        self, target: str, parameters: Parameters, start: int, as_json: bool, recording: Recording | None = None
    ) -> None:
        """Raises BadRequest if the file to record to can't be written."""
        self.start, self.as_json = start, as_json
        self._latencies = Latencies()
        self._reporter = StallReporter()
        recording = recording or Recording()
        header = new_header(target, parameters, start)
        self._privacy, self._recorder = recording.privacy, recording.recorder(header)
        if as_json:
            self._write(header)

    def hear(self, found: Sequence[Observation]) -> None:
        """Write observations, as far as they are written."""
        self._latencies.add(found)
        self._recorder.hear(found)
        if self._recorder.failure:
            print(f"echo-tui: {self._recorder.path} is no longer written: {self._recorder.failure}", file=sys.stderr)
            self._recorder.failure = ""
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

    def close(self) -> None:
        """Finish the file that is recorded to, if any."""
        self._recorder.close()

    def _write(self, item: msgspec.Struct) -> None:
        sys.stdout.write(self._privacy.scrub(ENCODER.encode(item)).decode() + "\n")


def left(session: Session) -> tuple[int, int]:
    """Return the number of open connections, and of those in the accept queue."""
    accepted = [bool(connection.accepted_at) for connection in session.connections.values()]
    return accepted.count(True), accepted.count(False)
