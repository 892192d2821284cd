"""The data of one stall: its victims, its culprit, its cause and its span."""

import copy
import enum
from dataclasses import dataclass, field
from typing import TypeVar

from echo_tui.diagnosis.progress import Progress
from echo_tui.diagnosis.targets import Target
from echo_tui.model.activity import NOTICEABLE
from echo_tui.model.evidence import Frame

T = TypeVar("T")
LIBRARY = (
    "/lib/python",
    "/lib64/python",
    "-packages/",
    "<frozen",
    "<string>",
    "node:",
    "/node_modules/",
    "java:",
    "go:",
    "/pkg/mod/",
)
"""Parts of a path that mark the standard library, installed packages and generated code: Python, Node, Java, Go."""
SERVERS = "/echo_servers/"
"""The folder of our patterns. Their code counts as the program's own, also when it is installed as a package."""
HANDS_ON = ("/native.py", "/both.py", "/piped.py")
"""Modules of the patterns that only forward a call or a report; the line to show is that of their caller."""


class Cause(enum.Enum):
    """Why a target makes no progress, by its code in `--json`, which never changes (`words.stalls` has the texts)."""

    BLOCKED = "blocked"
    COMPUTING = "computing"
    SPINNING = "spinning"
    GIL = "waiting-for-gil"
    NO_CORE = "no-core"
    THROTTLED = "throttled"
    STOPPED = "stopped"
    ALL_WORKERS_BUSY = "all-workers-busy"
    ONE_CLIENT = "one-client"
    ALL_HELPERS_BUSY = "all-helpers-busy"
    NO_DESCRIPTORS = "out-of-descriptors"
    NOT_READING = "client-not-reading"
    UPSTREAM = "upstream"
    CHILD = "child-process"
    LOCK = "lock"
    LOCK_OF_NOBODY = "lock-held-by-nobody"
    POOL_ITSELF = "pool-waits-for-itself"
    PIPE = "pipe-full"
    SILENT_CLIENT = "silent-client"
    BACKLOG = "backlog-full"
    UNCLEAR = "unclear"


class Attribution(enum.Enum):
    """What a stall is attributed to. Where that changes, one stall ends and another one begins."""

    THREAD = "thread"
    ARCHITECTURE = "architecture"
    ACCEPT_QUEUE = "accept-queue"


class WaitKind(enum.Enum):
    """What a victim waits for."""

    UNREAD = "unread"
    """Its bytes wait in the kernel."""
    NOT_ACCEPTED = "not-accepted"
    """Its connection waits in the accept queue."""
    NO_REPLY = "no-reply"
    """Its bytes were read, and it has no echo."""


@dataclass(slots=True)
class Victim:
    """A connection that waited, what it waited for, and from when to when (ns; an `end` of 0: it still waits)."""

    peer: str
    client: int | None
    begin: int
    end: int = 0
    wait: WaitKind = WaitKind.UNREAD


@dataclass(frozen=True, slots=True)
class Culprit:
    """The thread to blame, the system call it was sampled in, and its stack, innermost call first."""

    pid: int
    tid: int
    name: str
    call: str
    peer: str
    frames: tuple[Frame, ...] = ()

    @property
    def where(self) -> Frame | None:
        """The innermost frame of the program's own code, else the innermost frame; None without a stack."""
        return next(iter(self.calls), next(iter(self.frames), None))

    @property
    def calls(self) -> list[Frame]:
        """The frames of the program's own code; of successive frames in one file only the innermost."""
        own = [frame for frame in self.frames if is_own(frame)]
        return [frame for number, frame in enumerate(own) if not number or frame.file != own[number - 1].file]


def is_own(frame: Frame) -> bool:
    """Return whether a frame is in the program's own code, not in a library."""
    if SERVERS in frame.file:
        return not frame.file.endswith(HANDS_ON)
    return not any(mark in frame.file for mark in LIBRARY)


Tally = tuple[tuple[T, int], ...]
"""How often each thing was counted, in the order in which they were first seen."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the samples of a stall support so far; a sample makes a new one (`verdict.py`)."""

    attribution: Attribution = Attribution.THREAD
    cause: Cause = Cause.UNCLEAR
    found: Cause = Cause.UNCLEAR
    """The cause by the samples of its thread; `cause` differs if the accept queue is full or a core is missing."""
    culprit: Culprit | None = None
    injected: bool = False
    located_at: int = 0
    """When (ns) the culprit's line was found; 0: not yet."""
    unanswered: tuple[str, ...] = ()
    """Clients whose SYN the kernel does not answer."""
    evidence: Tally[Cause] = ()
    """The number of samples that support each cause."""
    clues: Tally[str] = ()
    """The number of samples in which each rule applied, by its name."""
    explained_at: int = 0
    """When (ns) the cause last changed; stacks from before that time don't explain it."""
    first: tuple[tuple[int, int], int, int] | None = None
    """The sampled thread, and its run time and its wait for a core (ns) at the first sample."""


@dataclass(slots=True)
class Stall:
    """One stall, from `begin` to `end` (ns; 0 while it lasts), first reported at `seen_at`."""

    number: int
    target: Target
    begin: int
    seen_at: int
    end: int = 0
    verdict: Verdict = Verdict()
    victims: dict[int, Victim] = field(default_factory=dict)
    as_before_at: int = 0
    """When (ns) its attribution was last confirmed by a sample."""
    progress: Progress = field(default_factory=Progress)
    """Progress made since it began that became known after the last judgement."""
    other: "Stall | None" = None
    """The successor with another attribution; it replaces this stall once it has lasted for the threshold."""

    @property
    def attribution(self) -> Attribution:
        """What it is attributed to."""
        return self.verdict.attribution

    @property
    def cause(self) -> Cause:
        """Why the target makes no progress."""
        return self.verdict.cause

    @property
    def culprit(self) -> Culprit | None:
        """The thread to blame; None if none is known."""
        return self.verdict.culprit

    @property
    def injected(self) -> bool:
        """Whether an injected block caused it."""
        return self.verdict.injected

    @property
    def located_at(self) -> int:
        """When (ns) the culprit's line was found; 0: not yet."""
        return self.verdict.located_at

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Clients whose SYN the kernel does not answer."""
        return self.verdict.unanswered

    @property
    def clues(self) -> Tally[str]:
        """The rules that applied and in how many samples, the most frequent first."""
        return tuple(sorted(self.verdict.clues, key=lambda clue: -clue[1]))

    @property
    def freed_at(self) -> int:
        """When (ns) the last victim stopped waiting; 0 while one waits, or without victims."""
        ends = [victim.end for victim in self.victims.values()]
        return max(ends, default=0) if all(ends) else 0

    @property
    def goes_on(self) -> bool:
        """Whether a victim still waits."""
        return any(not victim.end for victim in self.victims.values())

    def lasted(self, now: int) -> int:
        """Return its length (ns): up to now, or to its end."""
        return (self.end or now) - self.begin

    def release(self, number: int, at: int) -> None:
        """Note that a victim no longer waits: it was accepted, read or answered, or it has left."""
        victim = self.victims.get(number)
        if victim and not victim.end:
            victim.end = max(at, victim.begin)

    def part(self, begin: int, end: int) -> "Stall":
        """Return the part of it within a span (ns; an `end` of 0: until now), with the victims that waited in it.

        A victim from before the span whose remaining wait was too short to notice is left out.
        """
        twin = self.copy()
        least = begin + NOTICEABLE if begin > self.begin else begin
        waited = (item for item in twin.victims.items() if not item[1].end or item[1].end >= least)
        those = {number: victim for number, victim in waited if not end or victim.begin < end}
        for victim in those.values():
            victim.begin = max(victim.begin, begin)
        twin.number, twin.victims, twin.end = 0, those, end
        twin.begin = min((victim.begin for victim in those.values()), default=end)
        return twin

    def becomes_part(self, part: "Stall") -> None:
        """Shrink to one of its parts, as late records of progress require."""
        self.begin, self.end, self.victims = part.begin, part.end, part.victims

    def becomes(self, other: "Stall") -> None:
        """Adopt the verdict on the successor, which applies from the beginning."""
        self.verdict, self.as_before_at = other.verdict, other.as_before_at

    def copy(self) -> "Stall":
        """Return a copy that no longer changes."""
        twin = copy.copy(self)
        twin.victims = {number: copy.copy(victim) for number, victim in self.victims.items()}
        twin.other, twin.progress = self.other and self.other.copy(), self.progress.copy()
        return twin
