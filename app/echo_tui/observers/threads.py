"""What each thread of the server does, as shown by the kernel (Linux): `/proc/PID/task/TID/` (proc(5)).

`syscall` has the call that a thread waits in, with its arguments; `schedstat` has how long it ran, and how long it
was runnable without a core. Both are read through descriptors that stay open, and are parsed only if they have
changed. `status` costs more and is read once a second: the name, the context switches, and whether it is stopped.
"""

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from echo_tui.model.evidence import Thread
from echo_tui.model.observations import ThreadSample
from echo_tui.model.threads import KINDS
from echo_tui.observers import syscalls
from echo_tui.observers.go_tables import is_go
from echo_tui.observers.interpreter import gil_range
from echo_tui.observers.locks import holder, lock
from echo_tui.observers.pace import Pace
from echo_tui.observers.pipes import Pipes
from echo_tui.observers.polls import ARRAYS, polled
from echo_tui.observers.remotes import Remotes
from echo_tui.words import evidence as words

MOST = 200
"""The limit of sampled threads; each needs two descriptors."""
OLDEST = MOST // 4
"""How many of these are the oldest threads, which include the accepting ones, if others are requested too."""
IDLE = ("accept", "recv", "poll")
"""The kinds of call in which a thread is idle."""
STATUS = 1_000_000_000
"""How often (ns) names and context switches are read."""
MEASURED = 200_000_000
"""After how much time on a core (ns) its share in system calls is measured: the kernel counts that in ticks."""
FAULTS = 1_000_000
"""A page fault per so much time (ns) on a core: the kernel gives memory to a thread that allocates much."""
TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
WRITES = ("write", "writev")
SOCKET = "socket:["
NAME = re.compile(rb"^Name:\t(.*)$", re.MULTILINE)
STOPPED = re.compile(rb"^State:\tT", re.MULTILINE)
SWITCHES = re.compile(rb"^voluntary_ctxt_switches:\t(\d+)\nnonvoluntary_ctxt_switches:\t(\d+)", re.MULTILINE)
GONE = (FileNotFoundError, ProcessLookupError)
PeerOf = Callable[[int], str]


class ThreadSampler:
    """The threads of all processes of one server. `peer_of` returns the client of the connection with an inode."""

    def __init__(self, peer_of: PeerOf) -> None:
        self.pace = Pace()
        self.listening: Collection[int] = ()
        """The inodes of the listening sockets, to find out which threads poll them."""
        self.missing = ""
        """Why the evidence is unavailable; empty while it is available."""
        self.ports: set[int] = set()
        """The ports of the listening sockets, to find out which other servers threads wait for."""
        self._peer_of = peer_of
        self._remotes, self._pipes = Remotes(), Pipes()
        self._calls = syscalls.names()
        self._tasks: dict[tuple[int, int], _Task] = {}
        self._gil: dict[int, tuple[range, ...]] = {}
        self._parks: dict[int, bool] = {}
        """For each process of a foreign server, whether it is a Go program."""
        self._described = 0
        if self._calls is None:
            self.missing = words.missing("no-numbers", platform.machine())
        elif not os.path.exists("/proc/self/task"):
            self.missing = words.missing("no-proc")

    def sample(
        self,
        pids: Collection[int],
        disturbed: Collection[int] = (),
        first: Sequence[tuple[int, int]] = (),
        urgent: bool = False,
    ) -> ThreadSample | None:
        """Return what has changed since the last sample; None if no sample is due, or none is possible.

        `disturbed` are the threads that were asked for their stacks since then. Of too many threads, `first` are
        sampled before others, by `(pid, tid)`, the most important first. While it is `urgent`, a sample may cost
        more.
        """
        if self.missing or not self.pace.is_due(urgent):
            return None
        with self.pace:
            at = time.monotonic_ns()
            sample = ThreadSample(at, [], [], 0, self.pace.interval)
            describe = at - self._described >= STATUS
            if describe:
                self._described = at
            try:
                self._sample(pids, sample, describe, disturbed, first)
            except PermissionError:
                self.missing = words.missing("not-of-others")
            except OSError as error:
                self.missing = words.missing("not-shown", error)
            self.pace.calm = not (sample.threads or sample.gone)
            return None if self.missing else sample

    def calls(self, pid: int) -> tuple[tuple[int, int, int], ...] | None:
        """Return the call that each thread of a process waits in; None if one does not wait, or none is known."""
        found = [task for (owner, _), task in self._tasks.items() if owner == pid]
        if not found or any(task.number < 0 for task in found):
            return None
        return tuple((task.tid, task.number, task.argument) for task in found)

    def to_ask(self, pid: int, keepers: Collection[tuple[int, int]] = ()) -> list[int]:
        """Return the threads to ask for their stacks, by the last sample: those not idle first, then the oldest.

        A thread that is asked leaves its call, and needs the GIL to return to it. So idle threads are not asked while
        another one may keep the GIL: one that computes, one that others wait for, or one of the `keepers`, which have
        reported it.
        """
        tasks = sorted(
            (t for (owner, _), t in self._tasks.items() if owner == pid), key=lambda t: (t.number >= 0, t.tid)
        )
        keeping = [tid for owner, tid in keepers if owner == pid]
        free = not keeping and not any(task.number < 0 or task.gil for task in tasks)
        left_alone = () if free else (*IDLE, "lock") if keeping else IDLE
        return [task.tid for task in tasks if task.tid in keeping or task.kind not in left_alone]

    def close(self) -> None:
        """Close the descriptors."""
        for task in self._tasks.values():
            task.close()
        self._tasks.clear()
        self._gil.clear()
        self._remotes.close()

    def _sample(
        self, pids: Collection[int], sample: ThreadSample, describe: bool, disturbed: Collection[int],
        first: Sequence[tuple[int, int]],
    ) -> None:  # fmt: skip
        alive = {(pid, tid) for pid in pids for tid in _tids(pid)}
        sample.count = len(alive)
        sampled = chosen(alive, first) if len(alive) > MOST else alive
        for key in [key for key in self._tasks if key not in sampled]:
            self._end(key, sample)
        for key in sorted(sampled - self._tasks.keys()):
            with contextlib.suppress(*GONE):
                self._tasks[key] = _Task(*key)
        refused = 0
        for key, task in list(self._tasks.items()):
            try:
                if task.read() | (describe and task.describe()) | task.unresolved:
                    sample.threads.append(self._thread(key[0], task, key[1] in disturbed))
            except GONE:
                self._end(key, sample)
            except PermissionError:  # it may be ending, or have changed its user
                self._end(key, sample)
                refused += 1
        if refused and not self._tasks:
            raise PermissionError

    def _end(self, key: tuple[int, int], sample: ThreadSample) -> None:
        self._tasks.pop(key).close()
        sample.gone.append(key)
        if not any(pid == key[0] for pid, _ in self._tasks):
            self._gil.pop(key[0], None)
            self._parks.pop(key[0], None)

    def _thread(self, pid: int, task: "_Task", disturbed: bool) -> Thread:
        call, peer, gil, waits_on, task.unresolved = "", "", False, task.unresolved, False
        if task.number >= 0:
            assert self._calls is not None
            call = self._calls.get(task.number, f"syscall-{task.number}")
            if call in syscalls.ON_A_DESCRIPTOR:
                inode = _inode(pid, task.argument)
                peer = self._peer_of(inode)
                # A connection newer than the last sample of the sockets is known after the next one.
                task.unresolved = bool(inode and not peer) and not call.startswith("accept")
            elif call == "futex":
                if pid not in self._gil:
                    self._gil[pid] = gil_range(pid)
                gil = any(task.argument in span for span in self._gil[pid])
        task.kind, task.gil = KINDS.get(call, ""), gil
        accepts = self._accepts(pid, call, task) if task.kind == "poll" and self.listening else None
        thread = Thread(
            pid, task.tid, task.name, call, peer, gil, task.ran, task.delayed, task.voluntary,
            task.involuntary, disturbed, task.stopped, accepts,
        )  # fmt: skip
        if self.ports:
            if pid not in self._parks:
                self._parks[pid] = is_go(pid)
            thread.parks = self._parks[pid]
        if self.ports and not (peer or accepts or gil):
            self._explain(thread, task, waits_on)
        return thread

    def _explain(self, thread: Thread, task: "_Task", waits_on: bool) -> None:
        """Add what a thread of a foreign server waits for.

        The process at the other end is searched for only once a second sample shows the wait, because the search
        needs longer than a sample.
        """
        pid, call = thread.pid, thread.call
        task.measure(time.monotonic_ns())
        thread.system, thread.system_since = task.system, task.system_since
        if call == "futex":
            thread.lock = lock(task.arguments)
            thread.holder = holder(pid, task.tid, task.argument) if thread.lock == "private" else 0
        elif call in WRITES and waits_on:
            thread.pipe = self._pipes.reader(pid, task.argument)
        elif call in WRITES:
            task.unresolved = True
        if not thread.pipe:
            thread.remote = self._remote(pid, call, task, waits_on)

    def _remote(self, pid: int, call: str, task: "_Task", waits_on: bool) -> str:
        """Return the server that a call waits for; empty if there is none, or it is not visible."""
        inodes: list[int] = []
        if call in syscalls.ON_A_DESCRIPTOR and not call.startswith("accept"):
            inodes = [_inode(pid, task.argument)]
        elif call in ARRAYS:
            with contextlib.suppress(OSError):
                inodes = [inode for inode in polled(pid, call, task.arguments) if inode]
            task.unresolved = len(inodes) == 1 and not waits_on
        return self._remotes.of(inodes[0], self.ports) if waits_on and len(inodes) == 1 and inodes[0] else ""

    def _accepts(self, pid: int, call: str, task: "_Task") -> bool | None:
        """Return whether a poll waits for new connections; None if that can't be read."""
        try:
            return any(inode in self.listening for inode in polled(pid, call, task.arguments))
        except OSError:
            return None


class _Task:
    """One thread. Raises FileNotFoundError or ProcessLookupError if it has ended."""

    def __init__(self, pid: int, tid: int) -> None:
        self.tid = tid
        self.folder = f"/proc/{pid}/task/{tid}"
        self.name = ""
        self.voluntary: int | None = None
        self.involuntary: int | None = None
        self.unresolved = self.stopped = self.gil = False
        self.kind = ""
        self.number = -1
        self.argument = self.ran = self.delayed = 0
        self._raw = (b"", b"")
        self.system: int | None = None
        self.system_since = 0
        self._measured: tuple[int, int, int, int] | None = None
        """When (ns) it began to be measured, its time on a core and in system calls (ns), and its page faults then."""
        self._syscall = os.open(f"{self.folder}/syscall", os.O_RDONLY)
        try:
            self._schedstat = os.open(f"{self.folder}/schedstat", os.O_RDONLY)
            try:
                self.describe()
            except OSError:
                os.close(self._schedstat)
                raise
        except OSError:
            os.close(self._syscall)
            raise

    @property
    def arguments(self) -> list[int]:
        """The arguments of the system call that the thread waits in."""
        return [int(word, 16) for word in self._raw[0].split()[1:7]]

    def close(self) -> None:
        os.close(self._syscall)
        os.close(self._schedstat)

    def read(self) -> bool:
        """Read the thread's call and times. Return whether anything has changed."""
        raw = os.pread(self._syscall, 256, 0), os.pread(self._schedstat, 64, 0)
        if raw == self._raw:
            return False
        self._raw = raw
        words = raw[0].split()
        if words[0] == b"running":
            self.number = -1
        else:
            self.number = int(words[0])
            if not int(words[-2], 16):  # it no longer has a stack
                raise ProcessLookupError(f"{self.folder} has ended, and nobody has asked how")
            self.argument = int(words[1], 16) if self.number >= 0 else 0
        ran, delayed, _ = raw[1].split()
        if self.ran and self.ran != int(ran):
            self.stopped = False  # running, whatever was read before
        self.ran, self.delayed = int(ran), int(delayed)
        return True

    def measure(self, at: int) -> None:
        """Measure at a time (ns) what percentage of its time on a core it spends in system calls, while it runs."""
        if self.number >= 0:
            self.system, self._measured = None, None
            return
        begun = self._measured
        if begun and self.ran - begun[1] < MEASURED:
            return
        with open(f"{self.folder}/stat", "rb") as stat:
            words = stat.read().rpartition(b")")[2].split()
        faults, spent = int(words[7]), int(words[12]) * TICK
        if begun:
            since, ran, before, faults_before = begun
            allocates = faults - faults_before > (self.ran - ran) // FAULTS
            self.system = 0 if allocates else min(max(spent - before, 0) * 100 // (self.ran - ran), 100)
            self.system_since = since
        self._measured = at, self.ran, spent, faults

    def describe(self) -> bool:
        """Read the name, the context switches, and whether it is stopped. Return whether any of these has changed."""
        with open(f"{self.folder}/status", "rb") as status:
            said = status.read()
        before = (self.name, self.voluntary, self.involuntary, self.stopped)
        if name := NAME.search(said):
            self.name = name[1].decode(errors="replace")
        if switches := SWITCHES.search(said):
            self.voluntary, self.involuntary = int(switches[1]), int(switches[2])
        self.stopped = bool(STOPPED.search(said))
        return before != (self.name, self.voluntary, self.involuntary, self.stopped)


def chosen(alive: Collection[tuple[int, int]], first: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return which of too many threads are sampled: some of the oldest, then those requested, then older ones."""
    oldest = sorted(alive)  # the tids of a process grow until they wrap around
    asked = (key for key in first if key in alive)
    return set(islice(dict.fromkeys((*oldest[:OLDEST], *asked, *oldest)), MOST))


def _tids(pid: int) -> Iterator[int]:
    with contextlib.suppress(*GONE):
        yield from map(int, os.listdir(f"/proc/{pid}/task"))


def _inode(pid: int, fd: int) -> int:
    """Return the inode of the socket of a process's descriptor; 0 if it is no socket, or is closed."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return 0
    return int(target[len(SOCKET) : -1]) if target.startswith(SOCKET) else 0
