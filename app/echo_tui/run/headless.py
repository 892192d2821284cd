"""A run without a screen: stalls go to stdout, as text or as JSON Lines, with a summary at the end."""

import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import msgspec
from echo_servers.catalog import Pattern
from echo_servers.server import BadRequest

from echo_tui.diagnosis.report import StallReporter
from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.model.observations import ENCODER, Observation
from echo_tui.reports.lines import stall_line, summary_lines
from echo_tui.reports.summary import Latencies, summarize
from echo_tui.run.driver import Driver
from echo_tui.run.live import Live, Plan

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SCHEMA = 1
"""The version of the JSON Lines format."""
STALLS_SEEN = 3
"""The exit code of a run that had a stall."""
ENDED_EARLY = 1
"""The exit code of a run whose server ended by itself."""
PATIENCE = 30_000_000_000
"""How long (ns) to wait until the server listens."""
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
    parameters: dict[str, str | int | float | None]


class Ended:
    """The signal that has asked the run to end; 0 if none has."""

    def __init__(self) -> None:
        self.number = 0


@contextmanager
def until_signal() -> Iterator[Ended]:
    """Catch the signals that end a program; signals that are ignored stay ignored (nohup(1))."""
    ended = Ended()

    def end(number: int, _: object) -> None:
        ended.number = ended.number or number

    before = {each: signal.getsignal(each) for each in ENDINGS}
    for each, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield ended
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class Headless:
    """One pattern, watched without a screen."""

    def __init__(self, pattern: Pattern, plan: Plan, load: tuple[float, int] | None, as_json: bool) -> None:
        self.pattern, self.plan, self.load, self.as_json = pattern, plan, load, as_json
        self.start = time.monotonic_ns()
        self._latencies = Latencies()
        self._reporter = StallReporter()
        if as_json:
            self._write(self._header())
        self.live = Live(plan, self._heard)
        self.driver = Driver(self.live)

    def run(self, seconds: float | None) -> int:
        """Run for so many seconds or until a signal. Return the exit code. Raises BadRequest if no server starts."""
        with until_signal() as ended:
            try:
                self._begin(ended)
                until = self.start + int(seconds * 1e9) if seconds else None
                self._turns(lambda: not ended.number and (until is None or self.driver.now < until))
            finally:
                early, left = not (self.live.running or ended.number), self._left()
                self.live.close()
            self._say_stalls()
            code = self._code(ended.number, early)
            self._summarize(left, code)
            return code

    def _begin(self, ended: Ended) -> None:
        self.live.start(self.pattern)
        limit = self.start + PATIENCE
        self._turns(lambda: not (self.live.listening or ended.number) and self.driver.now < limit)
        if refusal := self.live.refusal():
            raise BadRequest(refusal)
        if self.live.listening and not self.as_json and (server := self.live.session.server):
            print(f"echo-tui: {self.pattern.name} listens on {server.address}, pid {server.pid}", file=sys.stderr)
        self.start = self.driver.now
        clients = self.live.open_clients(self.plan.clients) if self.plan.clients else []
        if clients and self.load:
            self.live.load(clients, *self.load)

    def _turns(self, goes_on: Callable[[], bool]) -> None:
        while goes_on() and self.live.running:
            time.sleep(self.driver.wait)
            self.driver.turn()
            self._say_stalls()

    def _say_stalls(self) -> None:
        stalls = list(self.live.session.stalls.all)
        for report in self._reporter.report(stalls, self.driver.now):
            if self.as_json:
                self._write(report)
            elif report.event in TOLD:
                print(stall_line(report, self.start), flush=True)
        sys.stdout.flush()

    def _left(self) -> tuple[int, int]:
        """Return the number of open connections, and of those in the accept queue."""
        accepted = [bool(connection.accepted_at) for connection in self.live.session.connections.values()]
        return accepted.count(True), accepted.count(False)

    def _summarize(self, left: tuple[int, int], code: int) -> None:
        seconds = (self.driver.now - self.start) / 1e9
        summary = summarize(self.live.session, self._latencies, seconds, left, code)
        if self.as_json:
            self._write(summary)
        else:
            print(*summary_lines(summary), sep="\n")
        sys.stdout.flush()

    def _code(self, signal_number: int, early: bool) -> int:
        if signal_number:
            return 128 + signal_number
        if early:
            server = self.live.session.server
            code = server.code if server else None
            print(f"echo-tui: the server has ended by itself, with code {code}", file=sys.stderr)
            return ENDED_EARLY
        return STALLS_SEEN if self.live.session.stalls.all else 0

    def _heard(self, found: Sequence[Observation]) -> None:
        self._latencies.add(found)
        if self.as_json:
            for one in found:
                self._write(one)

    def _write(self, item: msgspec.Struct) -> None:
        sys.stdout.write(ENCODER.encode(item).decode() + "\n")

    def _header(self) -> Header:
        plan, options = self.plan, self.plan.options
        parameters: dict[str, str | int | float | None] = {
            "host": options.host,
            "port": options.port,
            "workers": options.workers,
            "clients": plan.clients,
            "rate": self.load[0] if self.load else None,
            "size": self.load[1] if self.load else None,
            "block": str(plan.block) if plan.block else None,
            "reports": plan.reports,
            "stall_after_ms": plan.stall_after or THRESHOLD // 1_000_000,
        }
        wall = datetime.now(UTC).isoformat()
        return Header(
            SCHEMA, self.start, wall, version("echo-tui"), platform.python_version(), platform.platform(),
            self.pattern.name, parameters,
        )  # fmt: skip
