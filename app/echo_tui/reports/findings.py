"""What a recording came to: for each server in it the session at its end, its stalls, and how long echoes took."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from echo_tui.diagnosis.report import StallReport, StallReporter
from echo_tui.model.observations import Observation, ProcessSample, SessionBegan, SourceText
from echo_tui.reports.summary import Latencies, Summary, summarize
from echo_tui.session.folding import advanced, fold
from echo_tui.session.session import Session

TEXTS = 64
"""The limit of source files."""


@dataclass
class RecordingPart:
    """One server's part of a recording. Times are ns of the recording; `stalls` have their numbers in this session."""

    begin: int
    end: int
    session: Session = field(default_factory=Session)
    stalls: dict[int, StallReport] = field(default_factory=dict)
    latencies: Latencies = field(default_factory=Latencies)
    cpu: dict[int, list[float]] = field(default_factory=dict)
    """The sum of CPU samples (percent of a core) and their number, by process."""
    memory: dict[int, int] = field(default_factory=dict)
    """The most memory (bytes) of each process."""

    @property
    def name(self) -> str:
        """The pattern or command line of the server; empty if none was started."""
        return self.session.server.pattern if self.session.server else ""

    def sample(self, one: ProcessSample) -> None:
        """Note the CPU and the memory of a process."""
        if one.cpu is not None:
            sums = self.cpu.setdefault(one.pid, [0.0, 0])
            sums[0], sums[1] = sums[0] + one.cpu, sums[1] + 1
        if one.rss is not None:
            self.memory[one.pid] = max(self.memory.get(one.pid, 0), one.rss)

    def summary(self) -> Summary:
        """Return the part in numbers."""
        accepted = [bool(connection.accepted_at) for connection in self.session.connections.values()]
        left, seconds = (accepted.count(True), accepted.count(False)), (self.end - self.begin) / 1e9
        return summarize(self.session, self.latencies, seconds, left, 0)


NumberedStall = tuple[int, RecordingPart, StallReport]
"""A stall with its number in the recording, and the part that it is in."""


class Findings:
    """Folds a recording, and keeps what is reported of it."""

    def __init__(self, begin: int) -> None:
        """`begin` is the time (ns) of its start."""
        self.begin = self.end = begin
        self.parts = [RecordingPart(begin, begin)]
        self.texts: dict[str, str] = {}
        """Source files by name."""
        self._reporter = StallReporter()
        self._news: object = None

    def add(self, found: Iterable[Observation]) -> None:
        """Fold observations."""
        for one in found:
            self._add(one)

    def numbered(self) -> list[tuple[int, RecordingPart, StallReport]]:
        """Return all stalls with their numbers in the recording, from 1 on."""
        all_of_them = [(part, stall) for part in self.parts for stall in part.stalls.values()]
        return [(number, part, stall) for number, (part, stall) in enumerate(all_of_them, 1)]

    def _add(self, one: Observation) -> None:
        self.end = advanced(self.end, one.at)
        part = self.parts[-1]
        if isinstance(one, SessionBegan):
            self._reporter = StallReporter()
            if part.session.server:
                part = RecordingPart(self.end, self.end)
                self.parts.append(part)
            else:  # what was before the first server belongs to none
                part.begin = self.end
        elif isinstance(one, SourceText) and len(self.texts) < TEXTS:
            self.texts.setdefault(one.file, one.text)
        part.session, part.end = fold(part.session, one), self.end
        part.latencies.add([one])
        if isinstance(one, ProcessSample):
            part.sample(one)
        news = (id(part.session), part.session.stalls.news)
        if news != self._news or part.session.stalls.going:
            self._news = news
            for report in self._reporter.report(list(part.session.stalls.all), self.end):
                if report.event == "withdrawn":
                    part.stalls.pop(report.id, None)
                else:
                    part.stalls[report.id] = report
