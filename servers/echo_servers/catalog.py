"""Every pattern: its name, its module, and its story."""

from echo_servers.block import KINDS, BlockSetting
from echo_servers.pattern import BLOCKING, FAMILIES, HUB, LOOP, NON_BLOCKING, PROCESS, THREAD, Pattern
from echo_servers.server import BadRequest

__all__ = ["BY_NAME", "FAMILIES", "PATTERNS", "Pattern", "find"]

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
        serves_in=PROCESS,
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
        serves_in=THREAD,
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
        serves_in=THREAD,
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
        serves_in=PROCESS,
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
        serves_in=THREAD,
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
        idle_calls=("spin",),
        serves_in=PROCESS,
    ),
    Pattern(
        "select-loop",
        "select_loop",
        NON_BLOCKING,
        "select loop",
        "One thread asks the kernel for all sockets at once which of them are ready, and sleeps until one is. It "
        "serves many clients without a thread for each, at the price of a program that is written as handlers of "
        "events.",
        "Many clients, one thread, no CPU while they are quiet. Past 1,024 descriptors it turns clients away.",
        "A block stops the loop: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
    ),
    Pattern(
        "poll-loop",
        "poll_loop",
        NON_BLOCKING,
        "poll loop",
        "The same loop with poll instead of select. Descriptors stand in a list of any length, where select has sets "
        "for 1,024 of them. The kernel still goes through all of it in every turn, so that a turn costs the more the "
        "more clients are connected, ready or not.",
        "Open 1,100 clients: all are served, where the select loop turns the last ones away.",
        "A block stops the loop: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
    ),
    Pattern(
        "epoll-loop",
        "epoll_loop",
        NON_BLOCKING,
        "epoll loop",
        "The same loop with the best call of the platform, epoll or kqueue. The kernel is told once whom to watch, "
        "keeps the list itself and gives those that are ready, so that a turn costs the same with ten clients and with "
        "thousands. This is what every event loop in use has at its bottom.",
        "Open 1,000 quiet clients and let one talk: its round trips stay what they were; compare the poll loop's.",
        "A block stops the loop: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
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
        idle_calls=("poll",),
        serves_in=LOOP,
    ),
    Pattern(
        "asyncio-naive",
        "asyncio_naive",
        NON_BLOCKING,
        "asyncio, unbounded",
        "The same Protocol as one writes it first: it overlooks pause_writing, by which the library says that a client "
        "does not read. transport.write never waits and refuses nothing, so the echo piles up in the server's memory. "
        "A ceiling of 64 MiB protects this machine.",
        "A client that does not read, under a load of 200x64k: memory grows up to the ceiling. Under asyncio "
        "the server stops taking instead, and the kernel stops the client.",
        "A block stops the loop: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
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
        idle_calls=("poll",),
        serves_in=LOOP,
    ),
    Pattern(
        "asyncio-streams",
        "asyncio_streams",
        NON_BLOCKING,
        "asyncio streams",
        "The same loop, written with async and await: a coroutine for each client reads, echoes and waits for room to "
        "send, in the order of a blocking program. Only at an await does it let others have their turn.",
        "Many clients, one thread. A client that does not read holds up its own coroutine, at drain, and nobody else.",
        "A block between two awaits stops the loop as in a Protocol: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
    ),
    Pattern(
        "asyncio-to-thread",
        "asyncio_to_thread",
        NON_BLOCKING,
        "asyncio to a thread",
        "The fix for a call that blocks: the coroutine has it made by a thread of a pool, awaits its return, and the "
        "loop serves the others meanwhile. The thread has nothing to do with clients.",
        "Switch the block on and send: a thread appears that sleeps, and only the sender waits. Ten at a time.",
        "A sleep or a call in C holds a thread of the pool. Computing shares the GIL with the loop, and C that keeps "
        "the GIL stops it after all.",
        workers="threads",
        idle_calls=("poll",),
        serves_in=LOOP,
        moves=("sleep", "c-call", "cpu"),
        moves_to=THREAD,
    ),
    Pattern(
        "asyncio-processes",
        "asyncio_processes",
        NON_BLOCKING,
        "asyncio + processes",
        "The fix for computing: the coroutine has the call made by a process of a pool and awaits its answer. Each "
        "process has a GIL of its own, so it takes nothing from the loop but the core it runs on.",
        "Block with cpu or c-gil: a process of the pool works, two blocks at once use two, and the loop serves on.",
        "Whatever the block is, it holds a process of the pool, and only its sender waits.",
        workers="processes",
        idle_calls=("poll",),
        serves_in=LOOP,
        moves=KINDS,
        moves_to=PROCESS,
    ),
    Pattern(
        "process-loops",
        "process_loops",
        NON_BLOCKING,
        "processes x loops",
        "An event loop in each of several processes, one for each core, as web servers run them. Whom does a new "
        "connection wake? With one listening socket for all (--share accept) the kernel is told to wake one process; "
        "unless it is (--share herd) all of them wake and one gets it. With a socket each (--share reuseport) the "
        "kernel gives every process a part, even one that can't take it.",
        "Press n again and again: over the threads stand the wakes per connection, 1.0, or with --share herd towards "
        "the number of processes. Clients must come one at a time, for several at once share a wake.",
        "A block stops one loop: its clients wait, and the other processes serve theirs and accept.",
        idle_calls=("poll",),
        workers="processes",
        shares=True,
        serves_in=LOOP,
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
        idle_calls=("poll",),
        serves_in=LOOP,
        moves=("sleep",),
        moves_to=HUB,
    ),
    Pattern(
        "eventlet-tpool",
        "eventlet_tpool",
        NON_BLOCKING,
        "Eventlet + tpool",
        "The Eventlet program with its blocking call handed to tpool, a pool of native threads: what no monkey patch "
        "can reach, such as a C extension, blocks one of those, and the hub goes on switching.",
        "Block with c-call: a native thread waits in it, and only the sender waits. In Eventlet alone it stops all.",
        "A sleep or a call in C holds a thread of the pool. Computing shares the GIL with the hub, and C that keeps "
        "the GIL stops it after all.",
        workers="threads",
        idle_calls=("poll",),
        serves_in=LOOP,
        moves=("sleep", "c-call", "cpu"),
        moves_to=THREAD,
    ),
    Pattern(
        "gevent",
        "gevent_green",
        NON_BLOCKING,
        "gevent",
        "The program with a thread per client under another monkey patch: gevent's threads are greenlets too, and its "
        "event loop is in C (libev).",
        "Many clients, one native thread. Switch the block on: time.sleep is patched, so only the sender waits.",
        "A sleep stops one greenlet, because it is patched. A call in C, or computing, stops them all.",
        idle_calls=("poll",),
        serves_in=LOOP,
        moves=("sleep",),
        moves_to=HUB,
        needs="gevent",
    ),
    Pattern(
        "twisted",
        "twisted_protocol",
        NON_BLOCKING,
        "Twisted",
        "The event loop as a library long before asyncio, which took its Protocol over. The reactor waits, and calls "
        "dataReceived when something has come; what a transport can't send yet, it keeps and pauses its reading.",
        "Many clients, one thread. Switch the block on and see all of them wait.",
        "A block in dataReceived stops the reactor: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
        needs="twisted",
    ),
    Pattern(
        "trio",
        "trio_nursery",
        NON_BLOCKING,
        "Trio",
        "A task for each client, in the order of a blocking program, and all of them in one nursery, which no task "
        "outlives. Every await of a call is a place where others have their turn.",
        "Many clients, one thread. Switch the block on and see all of them wait.",
        "A block between two awaits stops the loop: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
        needs="trio",
    ),
    Pattern(
        "uvloop",
        "uvloop_protocol",
        NON_BLOCKING,
        "asyncio on uvloop",
        "The asyncio Protocol, unchanged, on an event loop in C (libuv) in the place of asyncio's own. It turns "
        "faster, and it turns in one thread all the same.",
        "More echoes a second for the same CPU. Switch the block on: all of them wait, as in asyncio.",
        "A block in data_received stops the loop: every client waits, and nobody is accepted.",
        idle_calls=("poll",),
        serves_in=LOOP,
        needs="uvloop",
    ),
)

BY_NAME = {pattern.name: pattern for pattern in PATTERNS}


def find(name: str) -> Pattern:
    """Return the pattern of this name. Raises BadRequest, which names the nearest pattern."""
    if name in BY_NAME:
        return BY_NAME[name]
    import difflib

    near = difflib.get_close_matches(name, BY_NAME, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(BY_NAME)}"
    raise BadRequest(f"unknown pattern {name!r}: {hint}")
