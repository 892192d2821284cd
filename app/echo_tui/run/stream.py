"""What a run without a screen writes to stdout: stalls as text, or everything as JSON Lines, and a summary."""

import sys
from collections.abc import Sequence

import msgspec
from echo_servers.plain import plain_json

from echo_tui.diagnosis.report import StallReporter, VictimReport
from echo_tui.diagnosis.stall import Wait
from echo_tui.model.activity import SECOND
from echo_tui.model.observations import ENCODER, Observation
from echo_tui.reports.lines import stall_line, summary_lines
from echo_tui.reports.summary import Latencies, summarize
from echo_tui.run.header import Parameters, new_header
from echo_tui.run.recorder import Recording
from echo_tui.session.session import Session

NAMED = 20
"""Of the connections that wait for a reply the oldest ones are named."""
TOLD = ("opened", "closed", "withdrawn")
"""The changes of a stall that are printed as text; JSON has all."""


class PendingReplies(msgspec.Struct, tag_field="type", tag="pending"):
    """How many clients have spoken last and wait for a reply, all their bytes read; `oldest` for how long (ns).

    That is no stall by itself: a long poll waits for its reply too. `waiting` names the oldest ones.
    """

    at: int
    count: int
    oldest: int
    waiting: list[VictimReport]


class Stream:
    """The output of one run; times in text are since `start` (ns)."""

    def __init__(
        self, target: str, parameters: Parameters, start: int, as_json: bool, recording: Recording | None = None
    ) -> None:
        """Raises BadRequest if the file to record to can't be written."""
        self.start, self.as_json = start, as_json
        self._latencies = Latencies()
        self._told_at = self._pending = 0
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
            lines = self._privacy.scrub(ENCODER.encode_lines(self._privacy.kept(found)))
            sys.stdout.write(plain_json(lines.decode()))

    def stalls(self, session: Session, now: int) -> None:
        """Write what has happened to the stalls of a session."""
        for report in self._reporter.report(list(session.stalls.all), now):
            if self.as_json:
                self._write(report)
            elif report.event in TOLD:
                print(stall_line(report, self.start), flush=True)
        sys.stdout.flush()

    def pending(self, session: Session, now: int) -> None:
        """Write how many replies are pending, at most once a second, while any are, and when the last one has come."""
        since = session.replies.since
        if now - self._told_at < SECOND or not (since or self._pending):
            return
        self._told_at, self._pending = now, len(since)
        if self.as_json:
            oldest = sorted(since.items(), key=lambda each: each[1])[:NAMED]
            waiting = [
                VictimReport(c.peer, c.client, Wait.NO_REPLY.value, begin, None)
                for number, begin in oldest
                if (c := session.connections.get(number))
            ]
            self._write(PendingReplies(now, len(since), session.replies.oldest(now), waiting))
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
        sys.stdout.write(plain_json(self._privacy.scrub(ENCODER.encode(item)).decode()) + "\n")


def left(session: Session) -> tuple[int, int]:
    """Return the number of open connections, and of those in the accept queue."""
    accepted = [bool(connection.accepted_at) for connection in session.connections.values()]
    return accepted.count(True), accepted.count(False)
