"""A session played from a recording: by the clock at any speed, in steps, and from any position to any other."""

import time
from collections.abc import Callable, Iterator

from echo_servers.records import ServerRecord

from echo_tui.model.observations import CoresSample, Observation, ProcessSample, SocketSample, ThreadSample
from echo_tui.run.replay import Replay
from echo_tui.run.viewed import Viewed
from echo_tui.session.folding import advanced, fold

BUDGET = 0.03
"""Seconds for a turn to fold what is due."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
LONG_AGO = 1e9
"""Seconds, longer than any recording."""
Wanted = Callable[[Observation], bool]


def is_event(one: Observation) -> bool:
    """Return whether it is an event of the server."""
    return isinstance(one, ServerRecord)


def is_sample(one: Observation) -> bool:
    """Return whether it is a sample of the kernel's evidence."""
    return isinstance(one, SocketSample | ThreadSample | ProcessSample | CoresSample)


class Recorded(Viewed):
    """The source of a recording."""

    badge = "REPLAY"

    def __init__(self, replay: Replay, speed: float = 1.0, at: float = 0.0) -> None:
        """`speed` is how many seconds of the recording pass in one; it begins `at` seconds after its start."""
        super().__init__()
        self.replay = replay
        self.speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
        self.paused = False
        self._position = 0
        """The number of folded observations."""
        self._time = replay.begin
        self._since = time.monotonic_ns()
        self._coming: Iterator[Observation] = iter(())
        self._next: Observation | None = None
        self._latest = 0
        self.seek(replay.begin + int(min(at, LONG_AGO) * 1e9))

    @property
    def texts(self) -> dict[str, str]:
        """The source files in the recording, by name."""
        return self.replay.texts

    @property
    def at_end(self) -> bool:
        """Whether all has been played."""
        return self.replay.complete and self._position >= self.replay.total and self._time >= self.replay.end

    def clock(self) -> int:
        """Return the time (ns) of the recording."""
        now = time.monotonic_ns()
        if not self.paused:
            self._time = min(self._time + int((now - self._since) * self.speed), max(self.replay.end, self._time))
        self._since = now
        return self._time

    def drain(self) -> int:
        """Read ahead, and fold what is due, each for a limited time. Return the number of observations folded."""
        self.replay.read_ahead(BUDGET)
        now, until, before = self.clock(), time.monotonic() + BUDGET, self._position
        while time.monotonic() < until:
            if self._next is None:
                self._next = next(self._coming, None)
            if self._next is None:
                if self._position >= self.replay.total:
                    break
                self._resume()
                continue
            latest = advanced(self._latest, self._next.at)
            if latest > now:
                break
            self.session = fold(self.session, self._next)
            self._next, self._latest, self._position = None, latest, self._position + 1
        if self.at_end:
            self.paused = True
        return self._position - before

    def pause(self) -> None:
        """Pause or continue; at the end, play from the start."""
        self.clock()
        if self.paused and self.at_end:
            self.seek(self.replay.begin)
        self.paused = not self.paused

    def faster(self, by: int) -> None:
        """Choose the next higher speed (1), or the next lower one (-1)."""
        self.clock()
        higher = [speed for speed in SPEEDS if speed > self.speed]
        lower = [speed for speed in SPEEDS if speed < self.speed]
        chosen = higher[:1] if by > 0 else lower[-1:]
        self.speed = chosen[0] if chosen else self.speed

    def seek(self, at: int) -> None:
        """Go to a time (ns), at most as far as the recording has been read, and continue from there unless paused."""
        at = min(max(at, self.replay.begin), self.replay.end)
        self._go(self.replay.position_at(at), at)

    def step(self, wanted: Wanted, by: int) -> bool:
        """Pause, and go to the next (1) or the last (-1) observation of some kind. Return whether there is one."""
        self.clock()
        self.paused = True
        return self._forwards(wanted) if by > 0 else self._backwards(wanted)

    def to_stall(self, by: int) -> bool:
        """Pause where the next (1) or the last (-1) stall is reported. Return whether there is one."""
        self.clock()
        marks = self.replay.stalls
        ahead = [mark for mark in marks if mark.position > self._position]
        before = [mark for mark in marks if mark.position < self._position]
        found = ahead[:1] if by > 0 else before[-1:]
        if found:
            self.paused = True
            self._go(found[0].position, found[0].at)
        return bool(found)

    def to_number(self, number: int) -> bool:
        """Pause where the stall with this number, from 1 on, is reported. Return whether there is one."""
        if not 0 < number <= len(self.replay.stalls):
            return False
        mark = self.replay.stalls[number - 1]
        self.paused = True
        self._go(mark.position, mark.at)
        return True

    def to_stall_of_session(self, number: int) -> None:
        """Pause where a stall of the current session is reported, by its number there."""
        places = [place for place, mark in enumerate(self.replay.stalls, 1) if mark.number == number]
        before = [place for place in places if self.replay.stalls[place - 1].position <= self._position]
        if before:
            self.to_number(before[-1])

    def close(self) -> None:
        """Close the file."""
        self.replay.close()

    def _forwards(self, wanted: Wanted) -> bool:
        latest = self._time
        for number, one in enumerate(self.replay.observations(self._position), self._position + 1):
            latest = advanced(latest, one.at)
            if wanted(one):
                self._go(number, latest)
                return True
        return False

    def _backwards(self, wanted: Wanted) -> bool:
        """Go back to just before the observation that was stepped to last."""
        found = [number for number, one in _few(self.replay.backwards(self._position), wanted, 2)]
        if not found:
            return False
        position = found[1] + 1 if len(found) > 1 else found[0]
        self._go(position, self._time_of(position))
        return True

    def _time_of(self, position: int) -> int:
        """Return the time (ns) of the observation before this position."""
        return next((max(one.at, self.replay.begin) for _, one in self.replay.backwards(position)), self.replay.begin)

    def _go(self, position: int, at: int) -> None:
        self.session = self.replay.session_at(position)
        self._position, self._time, self._latest = position, at, max(at, self.replay.begin)
        self._since = time.monotonic_ns()
        self._resume()

    def _resume(self) -> None:
        self._coming, self._next = self.replay.observations(self._position), None


def _few(found: Iterator[tuple[int, Observation]], wanted: Wanted, count: int) -> Iterator[tuple[int, Observation]]:
    for number, one in found:
        if wanted(one):
            yield number, one
            count -= 1
            if not count:
                return
