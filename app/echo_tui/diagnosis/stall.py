"""One stall: who waited, from when to when, who is to blame, and why."""

import copy
import enum
from collections import Counter
from dataclasses import dataclass, field

from echo_tui.diagnosis.progress import Progress
from echo_tui.diagnosis.targets import Target
from echo_tui.model.activity import NOTICEABLE
from echo_tui.model.observations import Frame

LIBRARY = ("/lib/python", "/lib64/python", "-packages/", "<frozen", "<string>")
"""Parts of a path that mark the standard library, installed packages and generated code."""
SERVERS = "/echo_servers/"
"""The folder of the watched patterns: their code is the program's own, also where it is installed as a package."""
HANDS_ON = ("/native.py", "/both.py", "/piped.py")
"""Modules of the patterns that only pass on a call or a report: the line to show is their caller's."""


class Cause(enum.Enum):
    """Why a target makes no progress, by its code in `--json`, which never changes (`words.stalls` has the texts)."""

    BLOCKED = "blocked"
    COMPUTING = "computing"
    GIL = "waiting-for-gil"
    NO_CORE = "no-core"
    STOPPED = "stopped"
    ALL_WORKERS_BUSY = "all-workers-busy"
    ONE_CLIENT = "one-client"
    ALL_HELPERS_BUSY = "all-helpers-busy"
    NO_DESCRIPTORS = "out-of-descriptors"
    NOT_READING = "client-not-reading"
    BACKLOG = "backlog-full"
    UNCLEAR = "unclear"


class Attribution(enum.Enum):
    """What a stall is attributed to. Where that changes, one stall ends and another one begins."""

    THREAD = "thread"
    ARCHITECTURE = "architecture"
    ACCEPT_QUEUE = "accept-queue"


class Wait(enum.Enum):
    """What a victim waits for."""

    UNREAD = "unread"
    """Its bytes wait in the kernel."""
    NOT_ACCEPTED = "not-accepted"
    """Its connection waits in the accept queue."""
    NO_REPLY = "no-reply"
    """Its bytes were read, and it has no echo."""


@dataclass(slots=True)
class Victim:
    """Who waited for what, from when to when (ns; 0: still waiting)."""

    peer: str
    client: int | None
    begin: int
    end: int = 0
    wait: Wait = Wait.UNREAD


@dataclass(frozen=True, slots=True)
class Culprit:
    """The thread to blame, the call it was seen in, and the calls on its stack, the innermost first."""

    pid: int
    tid: int
    name: str
    call: str
    peer: str
    frames: tuple[Frame, ...] = ()

    @property
    def where(self) -> Frame | None:
        """The innermost line of the program's own code."""
        return next(iter(self.calls), next(iter(self.frames), None))

    @property
    def calls(self) -> list[Frame]:
        """How the program's own code came there: of calls within one file only the innermost."""
        own = [frame for frame in self.frames if is_own(frame)]
        return [frame for number, frame in enumerate(own) if not number or frame.file != own[number - 1].file]


def is_own(frame: Frame) -> bool:
    """Return whether a call is in the program's own code."""
    if SERVERS in frame.file:
        return not frame.file.endswith(HANDS_ON)
    return not any(mark in frame.file for mark in LIBRARY)


@dataclass(slots=True)
class Stall:
    """One stall: from `begin` to `end` (ns; 0 while it goes on), seen at `seen_at` and its line at `located_at`."""

    number: int
    target: Target
    begin: int
    seen_at: int
    injected: bool = False
    end: int = 0
    located_at: int = 0
    cause: Cause = Cause.UNCLEAR
    found: Cause = Cause.UNCLEAR
    """What the evidence of its thread has come to; a full backlog, or the want of a core, may say more as the cause."""
    culprit: Culprit | None = None
    victims: dict[int, Victim] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    evidence: Counter[Cause] = field(default_factory=Counter)
    """How many samples spoke for each cause."""
    clues: Counter[str] = field(default_factory=Counter)
    """How often each rule applied, by its name."""
    attribution: Attribution = Attribution.THREAD
    explained_at: int = 0
    """When (ns) the evidence last came to another cause: what was seen of a line before tells nothing of it."""
    first: tuple[tuple[int, int], int, int] | None = None
    """The thread that is looked at, and what it had run, and waited for a core (ns), when it first was."""
    as_before_at: int = 0
    """When (ns) its fault was last seen to be what it is."""
    progress: Progress = field(default_factory=Progress)
    """What was taken since it began, as far as that has become known since it was judged last."""
    other: "Stall | None" = None
    """What has come of it since its fault is another one: it takes its place once it has lasted as long as a stall."""

    @property
    def freed_at(self) -> int:
        """When (ns) the last of its victims was taken, or gone; 0 while one waits, or where there is none."""
        ends = [victim.end for victim in self.victims.values()]
        return max(ends, default=0) if all(ends) else 0

    @property
    def goes_on(self) -> bool:
        """Whether one of its victims still waits."""
        return any(not victim.end for victim in self.victims.values())

    def lasted(self, now: int) -> int:
        """How long it has been, or was (ns)."""
        return (self.end or now) - self.begin

    def release(self, number: int, at: int) -> None:
        """One of its victims is taken, or gone, or has its echo."""
        victim = self.victims.get(number)
        if victim and not victim.end:
            victim.end = max(at, victim.begin)

    def part(self, begin: int, end: int) -> "Stall":
        """Return what is left of it in a span (ns; 0 as the end: to this day), with those who waited in it.

        Those are not among them who had waited before, and then had their echo before anybody could notice.
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
        """It was no more than a part of itself, as is known only now."""
        self.begin, self.end, self.victims = part.begin, part.end, part.victims

    def becomes(self, other: "Stall") -> None:
        """Its fault was the other one's all along: so are the evidence, and who is to blame."""
        self.attribution, self.cause, self.found, self.unanswered = (
            other.attribution,
            other.cause,
            other.found,
            other.unanswered,
        )
        self.culprit, self.injected, self.located_at = other.culprit, other.injected, other.located_at
        self.evidence, self.first, self.explained_at = other.evidence, other.first, other.explained_at
        self.clues = other.clues
        self.as_before_at = other.as_before_at

    def copy(self) -> "Stall":
        """The same, no longer changed by what comes."""
        twin = copy.copy(self)
        twin.victims = {number: copy.copy(victim) for number, victim in self.victims.items()}
        twin.unanswered, twin.evidence = self.unanswered.copy(), self.evidence.copy()
        twin.clues = self.clues.copy()
        twin.other, twin.progress = self.other and self.other.copy(), self.progress.copy()
        return twin
