"""Runs without a screen: of a pattern that is started, and of a running server."""

import sys
import time
from collections.abc import Callable, Sequence

from echo_servers.catalog import Pattern
from echo_servers.plain import plain
from echo_servers.server import BadRequest

from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.model.observations import Observation, Unavailable
from echo_tui.observers.program import Program
from echo_tui.observers.targets import AttachTarget
from echo_tui.run.attached import Attached
from echo_tui.run.driver import Driver
from echo_tui.run.header import Parameters
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.recorder import Recording
from echo_tui.run.stream import Stream, left
from echo_tui.run.until_signal import until_signal
from echo_tui.words import watching as words

STALLS_SEEN = 3
"""The exit code of a run that had a stall."""
ENDED_EARLY = 1
"""The exit code of a run whose own server ended by itself."""
TARGET_ENDED = 5
"""The exit code of a run whose target ended."""
PATIENCE = 30_000_000_000
"""How long (ns) to wait until the server listens."""


class Headless:
    """One pattern, watched without a screen."""

    def __init__(
        self,
        pattern: Pattern,
        plan: Plan,
        load: tuple[float, int] | None,
        as_json: bool,
        recording: Recording | None = None,
    ) -> None:
        """Raises BadRequest if the file to record to can't be written."""
        self.pattern, self.plan, self.load, self.as_json = pattern, plan, load, as_json
        self.start = time.monotonic_ns()
        self._stream = Stream(pattern.name, self._parameters(), self.start, as_json, recording)
        self.live = Live(plan, self._stream.hear)
        self.driver = Driver(self.live)

    def run(self, seconds: float | None) -> int:
        """Run for this many seconds or until a signal. Return the exit code. Raises BadRequest if no server starts."""
        with until_signal() as ended:
            try:
                self._begin(lambda: not ended.number)
                until = self.start + int(seconds * 1e9) if seconds else None
                self._turns(lambda: not ended.number and (until is None or self.driver.now < until))
            finally:
                early, open_or_queued = not (self.live.running or ended.number), left(self.live.session)
                self.live.close()
                self._stream.close()
            self._stream.stalls(self.live.session, self.driver.now)
            code = self._code(ended.number, early)
            self._stream.summary(self.live.session, self.driver.now, open_or_queued, code)
            self._stream.finish(lambda: not ended.number)
            return code

    def _begin(self, goes_on: Callable[[], bool]) -> None:
        self.live.start(self.pattern)
        limit = self.start + PATIENCE
        self._turns(lambda: not self.live.listening and goes_on() and self.driver.now < limit)
        if refusal := self.live.refusal():
            raise BadRequest(refusal)
        if self.live.listening and not self.as_json and (server := self.live.session.server):
            _print(words.listens(self.pattern.name, server.address, server.pid))
        self.start = self._stream.start = self.driver.now
        clients = self.live.open_clients(self.plan.clients) if self.plan.clients else []
        if clients and self.load:
            self.live.load(clients, *self.load)

    def _turns(self, goes_on: Callable[[], bool]) -> None:
        while goes_on() and self.live.running:
            time.sleep(self.driver.wait)
            self.driver.turn()
            self._stream.stalls(self.live.session, self.driver.now)

    def _code(self, signal_number: int, early: bool) -> int:
        if signal_number:
            return 128 + signal_number
        if early:
            server = self.live.session.server
            code = server.code if server else None
            _print(words.ended_early(code))
            return ENDED_EARLY
        return STALLS_SEEN if self.live.session.stalls.all else 0

    def _parameters(self) -> Parameters:
        plan, options = self.plan, self.plan.options
        return {
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


def watch_target(
    target: AttachTarget,
    stall_after: int | None,
    stacks: bool,
    seconds: float | None,
    as_json: bool,
    program: Program | None = None,
    recording: Recording | None = None,
) -> int:
    """Watch a running server for this many seconds or until a signal. Return the exit code.

    A `program` that was started for it ends with the run.
    """
    start = time.monotonic_ns()
    parameters: Parameters = {
        "host": target.host,
        "port": target.port,
        "pid": target.pid,
        "stacks": stacks,
        "stall_after_ms": stall_after or THRESHOLD // 1_000_000,
    }
    stream = Stream(target.command, parameters, start, as_json, recording)

    def hear(found: Sequence[Observation]) -> None:
        for one in found:
            if isinstance(one, Unavailable) and not as_json:
                _print(words.no_evidence(one.what, one.why))
        stream.hear(found)

    source = Attached(target, stall_after, stacks, hear, program=program)
    driver = Driver(source)
    until = start + int(seconds * 1e9) if seconds else None
    if not as_json:
        _print(words.watches(target.pid, target.address, target.command))
    with until_signal() as ended:
        try:
            while source.running and not ended.number and (until is None or driver.now < until):
                time.sleep(driver.wait)
                driver.turn()
                stream.stalls(source.session, driver.now)
                stream.pending(source.session, driver.now)
        finally:
            open_or_queued = left(source.session)
            source.close()
            stream.close()
        stream.stalls(source.session, driver.now)
        code = 128 + ended.number if ended.number else _code(source)
        stream.summary(source.session, driver.now, open_or_queued, code)
        stream.finish(lambda: not ended.number)
        return code


def _code(source: Attached) -> int:
    if not source.running:
        _print(words.ended(source.target.pid))
        return TARGET_ENDED
    return STALLS_SEEN if source.session.stalls.all else 0


def _print(text: str) -> None:
    print(f"echo-tui: {plain(text)}", file=sys.stderr)
