"""A dashboard that shows a simulated run at a fixed time, without a server, clients or a clock, for pictures that must
be the same everywhere."""

from dataclasses import dataclass, replace
from pathlib import Path

from echo_servers.block import BlockSetting
from echo_servers.catalog import Pattern, find
from echo_servers.records import Block, Bye, Listening, New, Recv, Send, Unblock, WorkerStarted
from echo_tui.model.evidence import Frame, Socket, Stack, Thread
from echo_tui.model.observations import (
    BlockSet,
    ClientClosed,
    ClientConnected,
    ClientEcho,
    ClientOpening,
    ClientSent,
    CoresSample,
    Lag,
    Observation,
    Output,
    ProcessSample,
    ServerExited,
    ServerStarted,
    SocketSample,
    StackSample,
    ThreadSample,
)
from echo_tui.run.arming import Arming
from echo_tui.run.live import Live
from echo_tui.run.plan import Plan
from echo_tui.run.strace_view import StraceView
from echo_tui.session.session import Session
from echo_tui.session.stall_snapshots import StallSnapshots
from echo_tui.tui.app import EchoTui
from echo_tui.tui.view import View

MS = 1_000_000
START = 3_600_000 * MS
"""When the simulated run began (ns)."""
NOW = START + 42_000 * MS
PID = 4242
EXTERNAL = "127.0.0.1:51990"


@dataclass(frozen=True)
class Shown(Pattern):
    """A pattern with its own story and source for the tests, so that new words in the real ones change no picture."""

    @property
    def source(self) -> Path:
        return Path(__file__).with_name("shown_source.py")


def shown_pattern(name: str) -> Shown:
    """Return the pattern of this name with a fixed story."""
    real = find(name)
    return Shown(
        real.name, real.module, real.family, real.title,
        story="One thread turns the loop, so whatever holds that thread holds everybody. This is a story of three "
        "lines, as a speaker would tell it while the picture is up.",
        watch="Send one line: while the loop sleeps nobody is echoed.",
        blocking="It is blocked from the start.",
    )  # fmt: skip


def run() -> list[Observation]:
    """Return 42 s of asyncio-blocking: four of our clients, one of them queued, an external one, and two blocks."""

    def at(seconds: float) -> int:
        return START + int(seconds * 1000) * MS

    observed: list[Observation] = [
        ServerStarted(at(0), "asyncio-blocking", PID, "127.0.0.1", 37564, ["poll"]),
        BlockSet(at(0.001), True, "sleep", 6.0),
        Listening(at(0.2), PID, PID, "127.0.0.1", 37564, 128),
        WorkerStarted(at(0.2), PID, PID, "event loop"),
    ]
    for client in (1, 2, 3):
        observed += [
            ClientOpening(at(4 + client), client),
            ClientConnected(at(4.001 + client), client, f"127.0.0.1:{51880 + client}"),
            New(at(4.002 + client), PID, PID, client, f"127.0.0.1:{51880 + client}"),
        ]
    observed.append(New(at(10), PID, PID, 4, EXTERNAL))
    for second in (12, 13, 14, 15):
        for client in (1, 2, 3):
            observed += echo(at(second + client / 10), client, "hogehoge\n", 2 * MS)
    observed += [
        ClientSent(at(20), 1, 9, "mogemoge\n"),
        Recv(at(20.001), PID, PID, 1, 9, "mogemoge\n"),
        Block(at(20.001), PID, PID, 1, "sleep", 6.0),
        ClientSent(at(22), 2, 9, "fugafuga\n"),
        Unblock(at(26.001), PID, PID, 1),
        Send(at(26.002), PID, PID, 1, 9, "mogemoge\n"),
        ClientEcho(at(26.003), 1, 9, "mogemoge\n", 6_003 * MS, 0),
        *echo(at(32.2), 2, "fugafuga\n", 10_200 * MS, sent=False),
        Recv(at(33), PID, PID, 4, 7, "\x1b[31m\x00\n"),
        Send(at(33.001), PID, PID, 4, 7, "\x1b[31m\x00\n"),
        ClientSent(at(38), 3, 12, "who waits?\r\n"),
        Recv(at(38.001), PID, PID, 3, 12, "who waits?\r\n"),
        Block(at(38.001), PID, PID, 3, "sleep", 6.0),
        ClientOpening(at(39), 4),
        ClientConnected(at(39.001), 4, "127.0.0.1:51884"),
        ClientSent(at(40), 2, 9, "fugafuga\n"),
    ]
    for half in range(84):
        load = 2.0 if half % 7 else 14.0
        observed.append(
            ProcessSample(at(half / 2), PID, 1, load if half else None, 26_400_000, 1, 40 * half, half // 9)
        )
        observed.append(CoresSample(at(half / 2), [12.0 + half % 9 * 6, 30.0 if half < 60 else 92.0]))
        observed += seen(at(half / 2), asleep=20 <= half / 2 < 26.5 or half / 2 > 38)
    for when, unread, queue in ((22.1, True, False), (24, True, False), (26.1, False, False), (39.1, False, True),
                                  (39.5, False, True), (40.1, True, True), (41.9, True, True)):  # fmt: skip
        waits = [Socket("127.0.0.1:51882", 9, 0, True, 100)] * unread + [Socket("127.0.0.1:51884", 0, 0, False)] * queue
        observed.append(SocketSample(at(when), int(queue), 128, 0, [], waits))
    observed.append(Lag(at(41.9), 3 * MS))
    return sorted(observed, key=lambda one: one.at)


def seen(at: int, asleep: bool) -> list[Observation]:
    """Return a sample of the only thread and of its stack."""
    call = "clock_nanosleep" if asleep else "epoll_wait"
    ran = at // 50 if asleep else at // 40
    source = str(Path(__file__).with_name("shown_source.py"))
    stack = (
        [Frame("/x/echo_servers/block.py", 3, "sleep")]
        if asleep
        else [Frame("/lib/python3/selectors.py", 468, "select")]
    )
    return [
        StackSample(at, PID, [Stack(PID, [*stack, Frame(source, 12, "data_received")])]),
        ThreadSample(at, [Thread(PID, PID, "python", call, "", False, ran, 0, at // 10**7, 3)], [], 1, 50 * MS),
    ]


def echo(at: int, client: int, head: str, rtt: int, sent: bool = True) -> list[Observation]:
    """Return the observations of a message and its echo; without `sent` the client has sent it before."""
    observed: list[Observation] = [ClientSent(at, client, 9, head)] if sent else []
    return [
        *observed,
        Recv(at + MS, PID, PID, client, 9, head),
        Send(at + MS, PID, PID, client, 9, head),
        ClientEcho(at + 2 * MS, client, 9, head, rtt, 0),
    ]


def death() -> list[Observation]:
    """Return the run of a server that dies of an exception."""
    lines = [
        "Traceback (most recent call last):",
        '  File "servers/nonblocking.py", line 11, in serve',
        "    sock, address = listener.accept()",
        "                    ^^^^^^^^^^^^^^^^^",
        "BlockingIOError: [Errno 11] Resource temporarily unavailable",
    ]
    return [
        ServerStarted(START, "nonblocking", PID, "127.0.0.1", 37564),
        *[Output(START + 180 * MS, "stderr", line) for line in lines],
        ServerExited(START + 190 * MS, PID, 1, False),
    ]


def goodbye() -> list[Observation]:
    """Return what happens after the screen was frozen."""
    return [
        Unblock(NOW + 2_000 * MS, PID, PID, 3),
        *[Send(NOW + 2_000 * MS, PID, PID, 3, 12, "who waits?\r\n")] * 30,
        Bye(NOW + 3_000 * MS, PID, PID, 4),
        ClientClosed(NOW + 3_000 * MS, 1, "closed"),
    ]


class StillLive(Live):
    """A live run without processes, in which nothing more happens."""

    def __init__(self, pattern: Pattern, observed: list[Observation]) -> None:
        self.plan = Plan()
        self.pattern = pattern
        self.session = Session()
        self.session.apply_all(observed)
        self.child = None
        self.block = Arming(BlockSetting("sleep", 6.0))
        self.block.switch(self.session.block.on)
        self.stall_snapshots = StallSnapshots()
        self.stall_snapshots.keep(self.session, NOW)
        self.strace_view = StraceView()

    @property
    def clients(self) -> int:
        return len(self.session.clients)

    def drain(self, budget: float = 0.02) -> int:
        return 0

    def sample_resources(self) -> None:
        return

    def sample_kernel(self) -> None:
        return

    def lag(self, late: int) -> None:
        return

    def close(self) -> None:
        return


class Still(EchoTui):
    """The dashboard of a `StillLive` run at a fixed time."""

    def __init__(self, pattern: str, observed: list[Observation], now: int = NOW, theme: str | None = None) -> None:
        self.now = now
        chosen = shown_pattern(pattern)
        super().__init__(Plan(), theme=theme, live=StillLive(chosen, observed))
        self.highlighted = chosen

    def view(self) -> View:
        server = self.session.server
        return replace(super().view(), now=self.now, clock=self.now, started=find(server.pattern) if server else None)

    @property
    def session(self) -> Session:
        """The session of the simulated run."""
        return self.live.session
