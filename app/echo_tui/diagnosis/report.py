"""Stalls as data: each change of a stall as one object, for `--json`, recordings and reports."""

from collections.abc import Iterator

import msgspec

from echo_tui.diagnosis.stall import Stall, Victim

SYN_DROPPED = "syn-dropped"


class VictimReport(msgspec.Struct):
    """A victim and what it waited for. Times are ns of the monotonic clock; `end` is None while it waits.

    `kind` is `unread`, `not-accepted`, `no-reply` or `syn-dropped`. `client` is the number of one of our own clients.
    """

    peer: str
    client: int | None
    kind: str
    begin: int
    end: int | None


class CulpritReport(msgspec.Struct):
    """The thread to blame, the system call it was seen in, and its stack as `[file, line, function]`, innermost first.

    `file`, `line` and `function` are the innermost line of the program's own code; None where no stack is known.
    `other` is what its call is about: a client's address, another server's, or who reads from its pipe (`PID NAME`).
    """

    pid: int
    tid: int
    thread: str
    call: str
    file: str | None
    line: int | None
    function: str | None
    stack: list[tuple[str, int, str]]
    other: str = ""


class StallReport(msgspec.Struct, tag_field="type", tag="stall"):
    """One change of a stall.

    `event` is `opened`, `attributed` (the cause or attribution has changed), `located` (its line was found), `split`
    (reduced to a part of itself by late progress), `closed`, or `withdrawn` (too short after all). `clues` give the
    number of samples in which each rule applied, as `in-call: 12` (`RULES` in `echo_tui.diagnosis.rules`).
    """

    event: str
    id: int
    at: int
    begin: int
    end: int | None
    cause: str
    attribution: str
    injected: bool
    victims: list[VictimReport]
    culprit: CulpritReport | None
    clues: list[str]


class StallReporter:
    """Compares the stalls of a session between turns, and reports the changes."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Stall, tuple[str, str], bool, int]] = {}
        """Open stalls by number, as last reported: cause and attribution, whether the line is known, and the begin."""
        self._newest = 0

    def report(self, stalls: list[Stall], now: int) -> Iterator[StallReport]:
        """Yield the changes since the last call. `stalls` are the latest ones, oldest first."""
        there = {stall.number: stall for stall in stalls}
        for number, (before, *_) in list(self._open.items()):
            if number not in there:
                del self._open[number]
                yield _report("withdrawn", before, now)
        for number, stall in there.items():
            if number > self._newest:
                self._newest = number
                self._open[number] = (stall, _why(stall), bool(stall.located_at), stall.begin)
                yield _report("opened", stall, now)
            elif number in self._open:
                yield from self._changed(number, stall, now)
            if number in self._open and stall.end:
                del self._open[number]
                yield _report("closed", stall, now)

    def _changed(self, number: int, stall: Stall, now: int) -> Iterator[StallReport]:
        _, why, located, begin = self._open[number]
        self._open[number] = (stall, _why(stall), bool(stall.located_at), stall.begin)
        if stall.begin != begin:
            yield _report("split", stall, now)
        if _why(stall) != why:
            yield _report("attributed", stall, now)
        if stall.located_at and not located:
            yield _report("located", stall, now)


def _why(stall: Stall) -> tuple[str, str]:
    return stall.cause.value, stall.attribution.value


def _report(event: str, stall: Stall, now: int) -> StallReport:
    cause, attribution = _why(stall)
    victims = [_victim(victim) for victim in stall.victims.values()]
    victims += [VictimReport(peer, None, SYN_DROPPED, stall.begin, stall.end or None) for peer in stall.unanswered]
    clues = [f"{rule}: {count}" for rule, count in stall.clues]
    return StallReport(
        event, stall.number, now, stall.begin, stall.end or None, cause, attribution, stall.injected, victims,
        _culprit(stall), clues,
    )  # fmt: skip


def _victim(victim: Victim) -> VictimReport:
    return VictimReport(victim.peer, victim.client, victim.wait.value, victim.begin, victim.end or None)


def _culprit(stall: Stall) -> CulpritReport | None:
    culprit = stall.culprit
    if culprit is None:
        return None
    where = culprit.where
    file, line, function = (where.file, where.line, where.function) if where else (None, None, None)
    stack = [(frame.file, frame.line, frame.function) for frame in culprit.frames]
    return CulpritReport(
        culprit.pid, culprit.tid, culprit.name, culprit.call, file, line, function, stack, culprit.peer
    )
