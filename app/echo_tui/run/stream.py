"""The output of a run without a screen: stalls as text, or everything as JSON Lines, and a summary."""

import sys
from collections.abc import Callable, Sequence

import msgspec
from echo_servers.plain import plain_json

from echo_tui.diagnosis.report import StallReporter, VictimReport
from echo_tui.diagnosis.stall import WaitKind
from echo_tui.model.activity import SECOND
from echo_tui.model.observations import ENCODER, Observation
from echo_tui.reports.lines import stall_line, summary_lines
from echo_tui.reports.summary import Latencies, summarize
from echo_tui.run.dropped import Dropped
from echo_tui.run.header import Parameters, new_header
from echo_tui.run.outlet import Outlet
from echo_tui.run.recorder import Recording
from echo_tui.session.session import Session
from echo_tui.words import watching as words

NAMED = 20
"""The number of connections waiting for a reply that are named, the oldest ones."""
PRINTED = ("opened", "closed", "withdrawn")
"""The changes of a stall that are printed as text; JSON has all."""


class PendingReplies(msgspec.Struct, tag_field="type", tag="pending"):
    """How many clients sent last and wait for a reply, with all their bytes read; `oldest` for how long (ns).

    That alone is no stall: a long poll waits for its reply too. `waiting` names the oldest ones.
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
        self.start = start
        self._latencies = Latencies()
        self._printed_at = self._pending = 0
        self._reporter = StallReporter()
        recording = recording or Recording()
        header = new_header(target, parameters, start)
        self._privacy, self._recorder = recording.privacy, recording.recorder(header)
        self._outlet, self._dropped = Outlet() if as_json else None, Dropped()
        self._write(header)

    def hear(self, found: Sequence[Observation]) -> None:
        """Write observations, if they are requested."""
        self._latencies.add(found)
        self._recorder.hear(found)
        if self._recorder.failure:
            print(f"echo-tui: {words.not_written(self._recorder.path, self._recorder.failure)}", file=sys.stderr)
            self._recorder.failure = ""
        if self._outlet and found:
            sent = (
                self._dropped.thin(found, self._outlet.overfull)
                if self._outlet.full
                else [*self._dropped.losses(found[0].at), *found]
            )
            lines = self._privacy.scrub(ENCODER.encode_lines(self._privacy.kept(sent)))
            self._outlet.put(plain_json(lines.decode()))

    def stalls(self, session: Session, now: int) -> None:
        """Write the changes of a session's stalls."""
        for report in self._reporter.report(list(session.stalls.all), now):
            if self._outlet:
                self._write(report)
            elif report.event in PRINTED:
                print(stall_line(report, self.start), flush=True)

    def pending(self, session: Session, now: int) -> None:
        """Write the number of pending replies, at most once a second, down to zero."""
        since = session.replies.since
        if now - self._printed_at < SECOND or not (since or self._pending):
            return
        self._printed_at, self._pending = now, len(since)
        if self._outlet and not self._outlet.full:
            oldest = sorted(since.items(), key=lambda each: each[1])[:NAMED]
            waiting = [
                VictimReport(c.peer, c.client, WaitKind.NO_REPLY.value, begin, None)
                for number, begin in oldest
                if (c := session.connections.get(number))
            ]
            self._write(PendingReplies(now, len(since), session.replies.oldest(now), waiting))

    def summary(self, session: Session, now: int, left: tuple[int, int], code: int) -> None:
        """Write the summary; `left` are the numbers of open and of queued connections at the end."""
        found = summarize(session, self._latencies, (now - self.start) / 1e9, left, code)
        if not self._outlet:
            print(*summary_lines(found), sep="\n", flush=True)
            return
        for one in self._dropped.losses(now):
            self._write(one)
        self._write(msgspec.structs.replace(found, dropped=self._dropped.total))

    def close(self) -> None:
        """Finish the recorded file, if any."""
        self._recorder.close()

    def finish(self, goes_on: Callable[[], bool]) -> None:
        """Wait until all is written, while `goes_on` is true or somebody reads it. Raises OSError if it fails."""
        if self._outlet:
            self._outlet.finish(goes_on)
        if self._dropped.total:
            print(f"echo-tui: {words.left_out(self._dropped.total)}", file=sys.stderr)

    def _write(self, item: msgspec.Struct) -> None:
        if self._outlet:
            self._outlet.put(plain_json(self._privacy.scrub(ENCODER.encode(item)).decode()) + "\n")


def left(session: Session) -> tuple[int, int]:
    """Return the number of open connections, and of those in the accept queue."""
    accepted = [bool(connection.accepted_at) for connection in session.connections.values()]
    return accepted.count(True), accepted.count(False)
