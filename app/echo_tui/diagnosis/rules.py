"""Why a target makes no progress: the suspected thread, and an ordered table of rules, the first of which applies."""

from collections.abc import Callable
from dataclasses import dataclass

from echo_tui.diagnosis.goroutines import LOCKS, RUNNABLE, as_thread, blamed
from echo_tui.diagnosis.pools import exhausted, waits_for_itself
from echo_tui.diagnosis.scene import Scene
from echo_tui.diagnosis.stall import Attribution, Cause
from echo_tui.diagnosis.targets import OnAccept, OnDescriptor, OnGil, OnHelper, OnThread, Target
from echo_tui.model.blocks import BlockSpan
from echo_tui.model.evidence import Goroutine
from echo_tui.model.threads import Doing, ThreadState

SPINS = 3
"""A thread that never waits spins if it spends this percentage of its time on a core in system calls: measured 7 for a
loop that only receives in vain, 3 for an asyncio loop with nothing to wait for, and under 0.5 for computing."""
CERTAIN = 10
"""A sum of measurements (%) that chance does not reach: two ticks of the kernel's clock in one."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """The thread that should make progress for a target, with its last sample; None for what is unknown.

    `call` is a blocking call that the server has reported since the thread was sampled.
    """

    target: Target
    scene: Scene
    key: tuple[int, int] | None
    state: ThreadState | None
    call: BlockSpan | None
    goroutine: Goroutine | None = None
    """The goroutine of a Go program that is blamed, of which `state` is the thread, or is in its place."""
    begin: int = 0
    """When (ns) the stall began."""

    @property
    def all_stay(self) -> bool:
        """Whether the target is accept, and every accepting worker serves a client of its own."""
        return isinstance(self.target, OnAccept) and self.scene.all_stay

    @property
    def spins(self) -> bool:
        """Whether the thread has made system calls that do not wait for as long as the stall lasts."""
        state = self.state
        if state is None or state.doing is Doing.CALL:
            return False
        shares = state.system_shares(self.begin)
        return sum(shares) >= max(CERTAIN, SPINS * len(shares))

    @property
    def waiting(self) -> Goroutine | None:
        """The goroutine that is blamed, if no thread runs it: it waits."""
        return self.goroutine if self.state and self.goroutine and not self.goroutine.tid else None

    @property
    def serves_other(self) -> Goroutine | None:
        """The goroutine that is blamed, if it waits for a client."""
        return self.waiting if self.state and self.state.peer else None

    @property
    def nobody_releases(self) -> bool:
        """Whether the thread waits without limit for a lock of its process, in which it is the only thread.

        That is what a fork leaves behind if another thread had the lock.
        """
        state = self.state
        return bool(state and state.lock == "private" and len(self.scene.threads.of(state.pid)) == 1)

    @property
    def serves_silent(self) -> bool:
        """Whether the thread of a loop waits for the first bytes of one client, and for nobody else."""
        state, worker = self.state, self.scene.workers.get(self.key) if self.key else None
        if not (state and worker and state.kind == "recv" and state.peer and self.scene.loops):
            return False
        return any(c.peer == state.peer and not c.recv_bytes and not c.unread for c in worker.serving.values())

    @property
    def pool(self) -> list[ThreadState]:
        """The threads of a pool that is busy, if the target is the thread that accepts for it, or one of them."""
        if isinstance(self.target, OnHelper):
            return exhausted(self.scene, self.target.pid) or self.stuck
        return busy_pool(self.target, self.scene)

    @property
    def stuck(self) -> list[ThreadState]:
        """The threads of a pool that waits for itself, if the target is a pool."""
        return waits_for_itself(self.scene, self.target.pid) if isinstance(self.target, OnHelper) else []


@dataclass(frozen=True, slots=True)
class Rule:
    """A clue: its name in `--json`, when it applies, and the cause that it supports.

    `of_thread` rules depend on samples of the suspect, so their counts start again when the suspect changes.
    """

    name: str
    applies: Callable[[Suspect], object]
    cause: Cause
    of_thread: bool = True


def _state(applies: Callable[[ThreadState], object]) -> Callable[[Suspect], object]:
    return lambda suspect: suspect.state and applies(suspect.state)


def sleeps_in_a_lock(state: ThreadState) -> bool:
    """Return whether a thread that waits in a futex only sleeps, which is how Java does it, by its innermost call."""
    known = state.lock == "timed" and state.framed_at >= state.since
    return known and bool(state.frames) and state.frames[0].function == "Thread.sleep"


CHILD_CALLS = ("wait4", "waitid")


RULES = (
    Rule("no-descriptor", lambda s: isinstance(s.target, OnDescriptor), Cause.NO_DESCRIPTORS, of_thread=False),
    Rule("pool-waits-for-itself", lambda s: s.stuck, Cause.POOL_ITSELF, of_thread=False),
    Rule("helpers-busy", lambda s: isinstance(s.target, OnHelper), Cause.ALL_HELPERS_BUSY, of_thread=False),
    Rule("stays", lambda s: s.all_stay and len(s.scene.accepting) == 1, Cause.ONE_CLIENT, of_thread=False),
    Rule("all-stay", lambda s: s.all_stay, Cause.ALL_WORKERS_BUSY, of_thread=False),
    Rule("pool-busy", lambda s: s.pool, Cause.ALL_WORKERS_BUSY, of_thread=False),
    Rule("reports-cpu", lambda s: s.call and s.call.kind == "cpu", Cause.COMPUTING, of_thread=False),
    Rule("reports-call", lambda s: s.call, Cause.BLOCKED, of_thread=False),
    Rule("stopped", _state(lambda state: state.stopped), Cause.STOPPED),
    Rule("waits-for-gil", _state(lambda state: state.doing is Doing.GIL or state.gil_since), Cause.GIL),
    Rule("goroutine-in-lock", lambda s: s.waiting and s.waiting.waits in LOCKS, Cause.LOCK),
    Rule("goroutine-in-send", lambda s: s.serves_other and not s.serves_other.reads, Cause.NOT_READING),
    Rule("goroutine-in-recv", lambda s: s.serves_other, Cause.ONE_CLIENT),
    Rule("goroutine-runnable", lambda s: s.waiting and s.waiting.waits == RUNNABLE, Cause.COMPUTING),
    Rule("goroutine-waits", lambda s: s.waiting, Cause.BLOCKED),
    Rule("spins", lambda s: s.spins, Cause.SPINNING),
    Rule("runs", _state(lambda state: state.doing is not Doing.CALL), Cause.COMPUTING),
    Rule("in-wait-for-child", _state(lambda state: state.call in CHILD_CALLS), Cause.CHILD),
    Rule("in-call-to-upstream", _state(lambda state: state.remote), Cause.UPSTREAM),
    Rule("in-lock-of-nobody", lambda s: s.nobody_releases, Cause.LOCK_OF_NOBODY),
    Rule("in-sleep", _state(sleeps_in_a_lock), Cause.BLOCKED),
    Rule("in-lock", _state(lambda state: state.lock), Cause.LOCK),
    Rule("in-write-to-pipe", _state(lambda state: state.pipe), Cause.PIPE),
    Rule("in-recv-of-silent-client", lambda s: s.serves_silent, Cause.SILENT_CLIENT),
    Rule("in-send", _state(lambda state: state.kind == "send"), Cause.NOT_READING),
    Rule("idle", lambda s: s.state and s.scene.is_idle(s.state), Cause.UNCLEAR),
    Rule("in-call", lambda s: s.state, Cause.BLOCKED),
)


def suspect(target: Target, scene: Scene, begin: int = 0) -> Suspect:
    """Return the suspect for a target of a stall since `begin` (ns)."""
    key = _key(target, scene)
    state = scene.threads.known.get(key) if key else None
    if state and state.parks and not state.stopped:  # what the threads of a Go program do shows nothing
        found = blamed(scene, state.pid, begin)
        return Suspect(target, scene, key, as_thread(found, scene, state) if found else None, None, found)
    span = next((s for s in scene.blocking if (s.pid, s.tid) == key), None)
    is_news = span and (state is None or scene.threads.seen_at < span.begin)
    return Suspect(target, scene, key, state, span if is_news else None, begin=begin)


def first_rule(suspect: Suspect) -> Rule | None:
    """Return the first rule that applies; None if nothing is known of the suspect."""
    return next((rule for rule in RULES if rule.applies(suspect)), None)


def attribution_of(target: Target, scene: Scene) -> Attribution:
    """Return what the waits on a target are attributed to at this time."""
    accept = isinstance(target, OnAccept)
    if isinstance(target, OnHelper | OnDescriptor):
        return Attribution.ARCHITECTURE
    if scene.unanswered and (accept or scene.loops):
        return Attribution.ACCEPT_QUEUE
    architecture = scene.all_stay if accept else busy_pool(target, scene)
    return Attribution.ARCHITECTURE if architecture else Attribution.THREAD


def busy_pool(target: Target, scene: Scene) -> list[ThreadState]:
    """Return the threads that serve clients while another one accepts for them, if none of them is free; else none.

    A thread that is idle in accept has handed its clients over. If their bytes wait all the same, nobody is free to
    read them.
    """
    if not isinstance(target, OnThread):
        return []
    accepting = scene.threads.known.get((target.pid, target.tid))
    if accepting is None or accepting.kind != "accept" or accepting.stopped:
        return []
    serving = [worker for worker in scene.workers.values() if worker.pid == target.pid and not worker.announced]
    states = [scene.threads.known.get((worker.pid, worker.tid)) for worker in serving if worker.serving]
    known = [state for state in states if state and not scene.is_idle(state) and not state.gil_since]
    return known if len(known) == len(states) else []


def _key(target: Target, scene: Scene) -> tuple[int, int] | None:
    match target:
        case OnThread(pid, tid):
            return pid, tid
        case OnGil(pid):
            return next(((each.pid, each.tid) for each in scene.threads.of(pid) if each.gil_since), None)
        case OnAccept():
            return _accepts(scene)
    return None


def _accepts(scene: Scene) -> tuple[int, int] | None:
    """Return the worker that should accept: a free one, else one whose thread was sampled."""
    accepting = [(worker.pid, worker.tid) for worker in scene.accepting]
    free = [(worker.pid, worker.tid) for worker in scene.accepting if not worker.serving]
    if scene.loops:
        return next(iter(scene.busy), None) or next(iter(accepting), None)
    if free or not accepting:
        return next(iter(free), None)
    if scene.all_stay:
        return accepting[0]
    return next((key for key in accepting if key in scene.threads.known), None)
