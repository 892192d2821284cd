"""The server's threads, as the kernel shows them: what each one does, and its share of a core."""

import copy
import enum
from collections import Counter
from dataclasses import dataclass, field

from echo_tui.model.evidence import Frame, Goroutine, Thread
from echo_tui.model.observations import StackSample, ThreadSample

SHARES = 500_000_000
"""The span (ns) over which a thread's share of a core is computed."""
STEADY = 3 * SHARES
"""Context switches are read once a second; a count without a change for this time (ns) has stopped."""
MEASUREMENTS = 10
"""How many measurements of the time in system calls are kept: some seconds of computing."""
SELDOM = 20
"""A thread that waits for the GIL requests it every 5 ms: it runs for at most one in this many nanoseconds."""
KINDS = {
    "accept": "accept", "accept4": "accept", "recvfrom": "recv", "recvmsg": "recv", "recvmmsg": "recv", "read": "recv",
    "readv": "recv", "sendto": "send", "sendmsg": "send", "sendmmsg": "send", "write": "send", "writev": "send",
    "epoll_wait": "poll", "epoll_pwait": "poll", "epoll_pwait2": "poll", "select": "poll", "pselect6": "poll",
    "poll": "poll", "ppoll": "poll", "nanosleep": "sleep", "clock_nanosleep": "sleep", "futex": "lock",
    "futex_waitv": "lock", "pause": "pause",
}  # fmt: skip
"""The kind of a system call: one word for all calls that wait for the same."""
WRITES = ("write", "writev")
"""Calls that send only if there is a peer; otherwise they write to a pipe or a file that is full."""


class Doing(enum.Enum):
    """What a thread is doing."""

    CALL = "call"
    GIL = "gil"
    COMPUTING = "computing"
    NO_CORE = "no-core"


@dataclass(slots=True)
class ThreadState:
    """One thread, which was first sampled doing what it does at `since` (ns), so that it has done so since then.

    `cpu` and `delay` are its shares of time on a core, and ready to run without one (0 to 1). Rates are per second.
    Unknown values are None.
    """

    pid: int
    tid: int
    name: str = ""
    call: str = ""
    peer: str = ""
    doing: Doing = Doing.CALL
    idle_call: str = ""
    """The call in which it was first sampled waiting for any of several connections: the idle call of its loop."""
    remote: str = ""
    """The other server that it waits for; empty if it waits for none, or that is not known."""
    lock: str = ""
    """The kind of lock that it waits for, and the thread that holds it: see `Thread`."""
    holder: int = 0
    pipe: str = ""
    """Who does not read the pipe that it writes to; empty if it writes to none."""
    accepts: bool | None = None
    """Whether it polls a listening socket; None where that is not known."""
    parks: bool = False
    """Whether it is a thread of a Go program, whose calls are those of the runtime."""
    measured: tuple[tuple[int, int], ...] = ()
    """The latest measurements of its time in system calls since it was last sampled in one: when each began (ns), and
    the percentage of the time on a core, of which each spans about the same."""
    stopped: bool = False
    """Whether a signal has stopped it, as of the last time that was read."""
    idle_at: int = 0
    """When (ns) it was last sampled idle there."""
    since: int = 0
    gil_since: int = 0
    """Since when (ns) it has waited for the GIL and hardly run at all; 0 if it does not wait."""
    ran: int = 0
    delayed: int = 0
    starved: int = 0
    """Time (ns) ready to run that the kernel has not counted yet; it does so when the thread gets a core."""
    cpu: float | None = None
    delay: float | None = None
    voluntary: float | None = None
    involuntary: float | None = None
    frames: list[Frame] = field(default_factory=list)
    framed_at: int = 0
    switches: tuple[int | None, int | None, int] = (None, None, 0)
    mark: tuple[int, int, int] = (0, 0, 0)

    @property
    def kind(self) -> str:
        """The kind of call that it waits in; empty if it is in no system call that is known here."""
        if self.doing is not Doing.CALL:
            return ""
        return "write" if self.call in WRITES and not self.peer else KINDS.get(self.call, "")

    @property
    def is_in_idle_call(self) -> bool:
        """Whether it is in the idle call of its loop. A poll that is known to leave new clients out is another one."""
        return self.call == self.idle_call and self.accepts is not False and not self.parks

    def system_shares(self, since: int) -> list[int]:
        """Return the measurements that began since a time (ns), in percent of its time on a core."""
        return [share for begun, share in self.measured if begun >= since]

    @property
    def waited_for_a_core(self) -> int:
        """How long (ns) it has been ready to run without a core, since it began."""
        return self.delayed + self.starved


class Threads:
    """All threads by `(pid, tid)`, their number, and how often they are sampled."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, int], ThreadState] = {}
        self.count: int | None = None
        self.interval: int | None = None
        self.seen_at = 0
        self.changes = 0
        """A counter that changes whenever a thread may have changed."""
        self.lost = False
        """Whether threads were sampled and no longer can be."""
        self.stacked_at: dict[int, int] = {}
        """When (ns) the stacks of each process were taken last."""
        self.goroutines: dict[int, tuple[int, tuple[Goroutine, ...]]] = {}
        """When (ns) the goroutines of each Go process were read last, and what they did."""
        self.paused = 0
        """For how long (ns) processes were paused in total while their stacks were read."""
        self._marked = 0
        self._woken: Counter[int] = Counter()
        """How often an idle loop was woken to write its stack, by process, since it last reported its wakes."""

    def apply(self, o: ThreadSample) -> None:
        """Fold a sample."""
        span = o.at - self.seen_at if self.seen_at else 0
        self.changes += bool(o.threads or o.gone)
        changed = {(thread.pid, thread.tid) for thread in o.threads}
        for key in o.gone:
            self.known.pop(key, None)
        for key, state in self.known.items():
            if key not in changed and state.doing in (Doing.COMPUTING, Doing.NO_CORE):
                # Ready to run, and not a nanosecond on a core since the last sample.
                state.starved += span
                _does(state, Doing.NO_CORE, o.at)
        for thread in o.threads:
            state = self.known.setdefault((thread.pid, thread.tid), ThreadState(thread.pid, thread.tid))
            _update(state, thread, o.at, span)
        for state in self.known.values():
            if state.doing is Doing.CALL and state.is_in_idle_call:  # a stopped thread only looks idle
                state.idle_at = 0 if state.stopped else o.at
        self.count, self.interval, self.seen_at = o.count, o.interval, o.at
        if o.at - self._marked >= SHARES:
            self._marked = o.at
            for state in self.known.values():
                _share(state, o.at)

    def apply_stacks(self, o: StackSample) -> None:
        """Fold the stacks of a process."""
        self.paused += o.paused
        self.stacked_at[o.pid] = o.at
        if o.goroutines:
            self.goroutines[o.pid] = (o.at, tuple(o.goroutines))
        first = self.known.get((o.pid, o.pid))
        if first and first.kind == "poll" and any(stack.tid == o.pid for stack in o.stacks):
            self._woken[o.pid] += 1
        for stack in o.stacks:
            if state := self.known.get((o.pid, stack.tid)):
                state.frames, state.framed_at = stack.frames, o.at

    def woken_by_us(self, pid: int) -> int:
        """Return how often a process was woken to write its stack since this was asked last."""
        return self._woken.pop(pid, 0)

    def unavailable(self) -> None:
        """Forget what was sampled: there are no more samples."""
        self.lost = bool(self.known)
        self.end()
        self.interval = None

    def of(self, pid: int) -> list[ThreadState]:
        """Return the threads of a process."""
        return [state for state in self.known.values() if state.pid == pid]

    def parks(self, pid: int) -> bool:
        """Return whether a process is a Go program."""
        first = self.known.get((pid, pid))
        return bool(first and first.parks)

    def end(self, pid: int | None = None) -> None:
        """Forget the threads of a process that has ended, or all of them."""
        for key in [key for key in self.known if pid in (None, key[0])]:
            del self.known[key]
        self.goroutines = {of: read for of, read in self.goroutines.items() if pid not in (None, of)}

    def snapshot(self) -> "Threads":
        """Return a copy that no longer changes."""
        twin = copy.copy(self)
        twin._woken, twin.stacked_at = self._woken.copy(), self.stacked_at.copy()
        twin.goroutines = self.goroutines.copy()
        twin.known = {key: copy.copy(state) for key, state in self.known.items()}
        for state in twin.known.values():
            state.frames = state.frames.copy()
        return twin


def _update(state: ThreadState, thread: Thread, at: int, span: int) -> None:
    """Fold one thread; one that was only disturbed by the request for its stack has not left its call."""
    state.name = thread.name
    ran, delayed = thread.ran - state.ran, thread.delayed - state.delayed
    first = not state.mark[0]
    state.ran, state.delayed, state.starved = thread.ran, thread.delayed, 0
    if thread.gil:
        doing = Doing.GIL
    elif thread.call:
        doing = Doing.CALL
    else:
        doing = Doing.COMPUTING if first or not span or ran >= delayed else Doing.NO_CORE
    if doing is Doing.CALL or ran * SELDOM > span:
        state.gil_since = 0
    if doing is Doing.GIL:
        state.gil_since = state.gil_since or at - span // 2  # it began between the two samples
    if (thread.call, thread.peer) != (state.call, state.peer) or (doing is Doing.CALL and ran and not thread.disturbed):
        state.since = at
    state.call, state.peer, state.stopped, state.accepts = thread.call, thread.peer, thread.stopped, thread.accepts
    state.parks, state.measured = thread.parks, _measured(state.measured, thread)
    state.remote, state.lock, state.holder, state.pipe = thread.remote, thread.lock, thread.holder, thread.pipe
    if not state.idle_call and KINDS.get(state.call) == "poll" and thread.accepts is not False:
        state.idle_call = state.call
    _does(state, doing, at)
    _switched(state, thread, at)
    if first:
        state.mark = (at, state.ran, state.waited_for_a_core)


def _measured(before: tuple[tuple[int, int], ...], thread: Thread) -> tuple[tuple[int, int], ...]:
    if thread.system is None:
        return ()
    latest = (thread.system_since, thread.system)
    return before if latest in before[-1:] else (*before[1 - MEASUREMENTS :], latest)


def _does(state: ThreadState, doing: Doing, at: int) -> None:
    if doing is not state.doing or not state.since:
        state.doing, state.since = doing, at


def _switched(state: ThreadState, thread: Thread, at: int) -> None:
    before, was, since = state.switches
    if (thread.voluntary, thread.involuntary) == (before, was):
        return
    if None not in (before, was, thread.voluntary, thread.involuntary) and at > since:
        seconds = (at - since) / 1e9
        state.voluntary = ((thread.voluntary or 0) - (before or 0)) / seconds
        state.involuntary = ((thread.involuntary or 0) - (was or 0)) / seconds
    state.switches = (thread.voluntary, thread.involuntary, at)


def _share(state: ThreadState, at: int) -> None:
    since, ran, waited = state.mark
    if span := at - since:
        state.cpu = min(max((state.ran - ran) / span, 0.0), 1.0)
        state.delay = min(max((state.waited_for_a_core - waited) / span, 0.0), 1.0)
    state.mark = (at, state.ran, state.waited_for_a_core)
    if state.voluntary is not None and at - state.switches[2] > STEADY:
        state.voluntary = state.involuntary = 0.0
