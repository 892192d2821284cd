"""A simulated server, sampled 20 times a second: a test sets what its threads do and what waits in the kernel."""

import copy
from collections.abc import Iterable

from echo_servers.records import Echo, Listening, New, Serve, WorkerStarted
from echo_tui.diagnosis.stall import Stall
from echo_tui.model.evidence import Frame, Socket, Stack, Thread
from echo_tui.model.observations import (
    Observation,
    ServerStarted,
    SocketSample,
    StackSample,
    ThreadSample,
)
from echo_tui.observers.syscalls import X86_64
from echo_tui.session.session import Session

MS = 1_000_000
PID = 7
INTERVAL = 50
CALLS = {"", *X86_64.values()}
"""What an observer can name; empty for a thread in no call."""
LISTENING = Listening(1000 * MS, PID, PID, "127.0.0.1", 1, 128)


class Scene:
    """A simulated server with its session. `passes` lets time pass and applies a sample every 50 ms."""

    def __init__(self, *idle: str, workers: Iterable[int] = (PID,)) -> None:
        self.session = Session()
        self.now = 1000 * MS
        self.unread: dict[str, int] = {}
        self.received: dict[str, tuple[int, int]] = {}
        """Bytes that the kernel has received for a connection, by peer, and when (ns) the last of them arrived."""
        self.written: dict[str, int] = {}
        """Bytes that the server has written to a connection, by peer; samples have None for a peer that is not here."""
        self.queued: list[str] = []
        self.unanswered: list[str] = []
        self.threads: dict[int, Thread] = {}
        self.shown: dict[int, Thread] = {}
        self.say(ServerStarted(self.now, "made-up", PID, "127.0.0.1", 1, list(idle)))
        for tid in workers:
            self.say(WorkerStarted(self.now, PID, tid, f"worker {tid}"))
            self.does(tid, "epoll_wait" if "poll" in idle else "accept4")

    def say(self, *observations: Observation) -> None:
        self.session.apply_all(observations)

    def accepts(self, conn: int, tid: int = PID, by: int = PID) -> str:
        peer = f"127.0.0.1:{5000 + conn}"
        self.say(New(self.now, PID, by, conn, peer))
        if by != tid:
            self.say(Serve(self.now, PID, tid, conn))
        return peer

    def reads(self, conn: int, tid: int = PID) -> None:
        self.unread.pop(f"127.0.0.1:{5000 + conn}", None)
        self.say(Echo(self.now, PID, tid, conn, 5, "x", 1))

    def does(self, tid: int, call: str, peer: str = "", gil: bool = False) -> None:
        named = call in CALLS or call.startswith("syscall-")
        assert named, f"no thread is seen in {call!r}: add it to X86_64 and AARCH64 in observers/syscalls.py"
        before = self.threads.get(tid)
        ran, delayed = (before.ran, before.delayed) if before else (0, 0)
        self.threads[tid] = Thread(PID, tid, "t", call, peer, gil, ran, delayed, None, None)

    def stack_sampled(self, tid: int) -> None:
        """Let a thread run for 0.5 ms, as if its stack had been sampled."""
        self.threads[tid].ran += MS // 2
        self.threads[tid].disturbed = True

    def passes(self, ms: int, running: int = 0, starving: int = 0) -> None:
        """Let time pass, with a sample every 50 ms. Thread `running` is on a core; thread `starving` waits for one."""
        for _ in range(ms // INTERVAL):
            self.now += INTERVAL * MS
            if thread := self.threads.get(running):
                thread.ran += INTERVAL * MS
            if thread := self.threads.get(starving):
                thread.delayed += INTERVAL * MS
            seen = [copy.copy(t) for tid, t in self.threads.items() if t != self.shown.get(tid)]
            self.shown.update({thread.tid: thread for thread in seen})
            self.say(ThreadSample(self.now, seen, [], len(self.threads), INTERVAL * MS))
            for thread in (*self.threads.values(), *self.shown.values()):
                thread.disturbed = False
            sockets = [Socket(peer, size, 0, True) for peer, size in self.unread.items()]
            sockets += [Socket(peer, 0, 0, False) for peer in self.queued]
            sockets += [
                Socket(peer, 0, 0, True, (self.now - at) // MS, received, self.written.get(peer), 0)
                for peer, (received, at) in self.received.items()
            ]
            self.say(SocketSample(self.now, len(self.queued), 128, 0, self.unanswered, sockets))

    def stacks(self, tid: int, *frames: Frame) -> None:
        self.say(StackSample(self.now, PID, [Stack(tid, list(frames))]))

    @property
    def stalls(self) -> list[Stall]:
        return list(self.session.stalls.all)

    def only(self) -> Stall:
        (stall,) = self.stalls
        return stall


def loop() -> tuple[Scene, list[str]]:
    """Return an event loop with three clients, and the clients' addresses."""
    scene = Scene("poll")
    return scene, [scene.accepts(conn) for conn in (1, 2, 3)]
