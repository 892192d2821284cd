"""Every pattern: its name, its module, and what a speaker says about it."""

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers.block import BlockSetting
from servers.server import BadRequest, Server

BLOCKING = "blocking"
NON_BLOCKING = "non-blocking"
FAMILIES = (BLOCKING, NON_BLOCKING)


@dataclass(frozen=True)
class Pattern:
    """An architecture of a socket server."""

    name: str
    module: str
    family: str
    title: str
    story: str
    watch: str
    blocking: str
    rests: tuple[str, ...] = ("accept", "recv")
    """Where its threads are when nobody needs them: in `accept`, `recv` or `poll` (select, epoll), or in a `spin`."""
    serves: bool = True
    workers: str = ""
    block: BlockSetting | None = None

    @property
    def source(self) -> Path:
        """The file that shows the architecture."""
        return Path(__file__).with_name(f"{self.module}.py")

    def load(self) -> Callable[[Server], None]:
        """The function that runs this pattern for ever."""
        serve: Callable[[Server], None] = importlib.import_module(f"servers.{self.module}").serve
        return serve


PATTERNS = (
    Pattern(
        "single-thread",
        "single_thread",
        BLOCKING,
        "single thread",
        "One thread accepts a client and stays with it until it leaves. Its calls block: recv waits for the client's "
        "next bytes, and meanwhile nobody calls accept. The next client is connected by the kernel all the same, and "
        "waits in the accept queue.",
        "Open a second client: it is connected but not accepted. Close the first, and it is served at once.",
        "A block stops the one thread: its client waits, and those in the queue wait on.",
    ),
    Pattern(
        "multithread",
        "multithread",
        BLOCKING,
        "thread per client",
        "The main thread only accepts, and gives each client a thread of its own. The threads block as they like, for "
        "each has one client. Every thread costs memory and context switches, and nothing limits their number.",
        "Each client adds a native thread, each one that leaves takes it away.",
        "A block stops one thread, so only the client that sent waits.",
    ),
    Pattern(
        "thread-pool",
        "thread_pool",
        BLOCKING,
        "thread pool",
        "A fixed number of threads, started beforehand, compete for the connections of one listening socket. Memory "
        "and switching are bounded, and so is the number of clients served at a time.",
        "Open eleven clients against ten workers: the eleventh is not accepted until another leaves.",
        "A block stops one worker; its client waits.",
        workers="threads",
    ),
    Pattern(
        "too-many-threads",
        "too_many_threads",
        BLOCKING,
        "too many threads",
        "Threads are started without a limit until the system refuses one, and the program dies of the exception. On "
        "macOS that is the 2,049th; on Linux it takes far more, so this process limits its own address space first.",
        "The thread count climbs; then comes: can't start new thread, with the limit that was reached.",
        "It serves nobody, so there is nothing to block.",
        serves=False,
    ),
    Pattern(
        "process-pool",
        "process_pool",
        BLOCKING,
        "process pool",
        "A process for each core, all of them accepting on one listening socket. CPython lets one thread of a process "
        "run at a time (the GIL), so it takes processes to compute on several cores. They share no memory.",
        "As many clients as processes are served. Two busy clients use two cores.",
        "A block stops one process; its client waits.",
        workers="processes",
    ),
    Pattern(
        "process-thread-pool",
        "process_thread_pool",
        BLOCKING,
        "processes x threads",
        "A pool of threads inside each of several processes: the processes use all cores, and the threads wait for the "
        "clients.",
        "Ten clients for each process are served; the next one waits in the accept queue.",
        "A block stops one thread of one process.",
        workers="processes",
    ),
    Pattern(
        "nonblocking",
        "nonblocking",
        NON_BLOCKING,
        "non-blocking, naive",
        "The single thread with its listening socket set to non-blocking, and nothing else changed. A call that can't "
        "be done now raises instead of waiting: accept finds nobody there, and the program dies.",
        "It dies at once of BlockingIOError: its traceback is all there is to see.",
        "It never comes to serve, so there is nothing to block.",
        serves=False,
    ),
    Pattern(
        "busy-loop",
        "busy_loop",
        NON_BLOCKING,
        "busy loop",
        "Non-blocking calls repeated until they succeed, with no pause between two tries. It works for one client, and "
        "burns a core for it. Never write this.",
        "One core at 100 % with nobody connected, and with a client that says nothing. The second client waits.",
        "A block stops everything, and it is the only time the core rests.",
        rests=("spin",),
    ),
    Pattern(
        "select-loop",
        "select_loop",
        NON_BLOCKING,
        "select loop",
        "One thread asks the kernel for all sockets at once which of them are ready, and sleeps until one is. It "
        "serves many clients without a thread for each, at the price of a program that is written as handlers of "
        "events.",
        "Many clients, one thread, no CPU while they are quiet.",
        "A block stops the loop: every client waits, and nobody is accepted.",
        rests=("poll",),
    ),
    Pattern(
        "asyncio",
        "asyncio_protocol",
        NON_BLOCKING,
        "asyncio",
        "The event loop as a library: a Protocol's methods are called when something has happened, and sockets and "
        "select are out of sight. Under it the loop uses the best call of the platform, epoll or kqueue.",
        "Many clients, one thread. Switch the block on and see all of them wait.",
        "A block in data_received stops the loop: every client waits, and nobody is accepted.",
        rests=("poll",),
    ),
    Pattern(
        "asyncio-naive",
        "asyncio_naive",
        NON_BLOCKING,
        "asyncio, unbounded",
        "The same Protocol as one writes it first: it overlooks pause_writing, by which the library says that a client "
        "does not read. transport.write never waits and refuses nothing, so the echo piles up in the server's memory. "
        "A ceiling of 64 MiB protects this machine.",
        "A client that does not read, under a load of 200x64k: memory grows until the ceiling strikes. Under asyncio "
        "the server stops taking instead, and the kernel stops the client.",
        "A block stops the loop: every client waits, and nobody is accepted.",
        rests=("poll",),
    ),
    Pattern(
        "asyncio-blocking",
        "asyncio_blocking",
        NON_BLOCKING,
        "asyncio + time.sleep",
        "The same Protocol with a blocking call in data_received, as it slips in with any library that does its own "
        "I/O. One thread turns the loop, so whatever holds that thread holds everybody.",
        "Send one line: while the loop sleeps nobody is echoed and nobody is accepted. Then all are served in a row.",
        "It is blocked from the start; press the block key to set it free.",
        block=BlockSetting("sleep", 20.0),
        rests=("poll",),
    ),
    Pattern(
        "eventlet",
        "eventlet_green",
        NON_BLOCKING,
        "Eventlet",
        "The program with a thread per client and one line more: a monkey patch replaces the blocking parts of the "
        "standard library by cooperative ones. Its threads are green, and one event loop switches between them "
        "wherever one would have blocked.",
        "Many clients, one native thread. Switch the block on: time.sleep is patched, so only the sender waits.",
        "A sleep stops one green thread, because it is patched. A C extension that blocks would stop them all.",
        rests=("poll",),
    ),
)

BY_NAME = {pattern.name: pattern for pattern in PATTERNS}


def find(name: str) -> Pattern:
    """The pattern of this name. Raises BadRequest with the nearest name there is."""
    if name in BY_NAME:
        return BY_NAME[name]
    near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(BY_NAME)}"
    raise BadRequest(f"unknown pattern {name!r}: {hint}")
