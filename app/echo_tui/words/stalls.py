"""What a stall is called and why it happened: causes, attributions, kinds of waiting, and clues."""

from echo_tui.diagnosis.stall import Attribution, Cause, WaitKind
from echo_tui.words import translated

LABELS = {
    Cause.BLOCKED: "blocked",
    Cause.COMPUTING: "computing",
    Cause.SPINNING: "spinning",
    Cause.GIL: "waiting for the GIL",
    Cause.NO_CORE: "no core",
    Cause.STOPPED: "stopped",
    Cause.ALL_WORKERS_BUSY: "all workers busy",
    Cause.ONE_CLIENT: "busy with one client",
    Cause.ALL_HELPERS_BUSY: "all helpers busy",
    Cause.NO_DESCRIPTORS: "out of descriptors",
    Cause.NOT_READING: "client not reading",
    Cause.UPSTREAM: "waiting for upstream",
    Cause.CHILD: "waiting for a child",
    Cause.LOCK: "waiting for a lock",
    Cause.LOCK_OF_NOBODY: "lock held by nobody",
    Cause.POOL_ITSELF: "pool waits for itself",
    Cause.PIPE: "pipe full",
    Cause.THROTTLED: "throttled",
    Cause.SILENT_CLIENT: "waiting for a silent client",
    Cause.BACKLOG: "backlog full",
    Cause.UNCLEAR: "unclear",
}
SHORT = {
    Cause.GIL: "for the GIL",
    Cause.ALL_WORKERS_BUSY: "all busy",
    Cause.ONE_CLIENT: "one client",
    Cause.ALL_HELPERS_BUSY: "helpers busy",
    Cause.NO_DESCRIPTORS: "no descriptors",
    Cause.NOT_READING: "not reading",
    Cause.UPSTREAM: "upstream",
    Cause.CHILD: "child",
    Cause.LOCK: "lock",
    Cause.LOCK_OF_NOBODY: "dead lock",
    Cause.POOL_ITSELF: "pool on itself",
    Cause.SILENT_CLIENT: "silent client",
}
SHORTEST = {
    Cause.PIPE: "pipe",
    Cause.THROTTLED: "limited",
    Cause.LOCK_OF_NOBODY: "lock",
    Cause.POOL_ITSELF: "pool",
    Cause.SILENT_CLIENT: "silent",
    Cause.COMPUTING: "on CPU",
    Cause.GIL: "for GIL",
    Cause.ALL_WORKERS_BUSY: "busy",
    Cause.ONE_CLIENT: "busy",
    Cause.ALL_HELPERS_BUSY: "helpers",
    Cause.NO_DESCRIPTORS: "no fds",
    Cause.NOT_READING: "unread",
    Cause.BACKLOG: "backlog",
}
SENTENCES = {
    Cause.BLOCKED: "The thread that should serve them is in a call that blocks.",
    Cause.COMPUTING: "The thread that should serve them is computing.",
    Cause.SPINNING: "The thread makes one system call after the other, none of which waits, and serves nobody else.",
    Cause.GIL: "The thread that should serve them waits for the GIL, which another thread holds.",
    Cause.NO_CORE: "The thread that should serve them is ready to run, but the machine has no core free for it.",
    Cause.STOPPED: "A signal has stopped the process, as Ctrl-Z does; SIGCONT continues it.",
    Cause.ALL_WORKERS_BUSY: "Every worker has a client of its own, and nobody is left to accept.",
    Cause.ONE_CLIENT: "The only thread serves one client, and meanwhile nobody calls accept.",
    Cause.ALL_HELPERS_BUSY: "Every helper of the loop is in a blocking call, and none is free for the next one.",
    Cause.NO_DESCRIPTORS: "The process has no file descriptor left, so it accepts nobody until a client leaves.",
    Cause.NOT_READING: "A client does not read its echo, so the thread waits for room to send it.",
    Cause.UPSTREAM: "The thread that should serve them waits for an answer of another server.",
    Cause.CHILD: "The thread that should serve them waits for a child process to end.",
    Cause.LOCK: "The thread that should serve them waits for a lock.",
    Cause.LOCK_OF_NOBODY: "It waits for a lock of its process, which has no other thread that could release it.",
    Cause.POOL_ITSELF: "Every thread of the pool waits for a task that only a thread of the pool can run.",
    Cause.THROTTLED: "The limit of its control group keeps the server from running for most of the time.",
    Cause.PIPE: "The thread that should serve them writes to a pipe that is full, and nobody reads from it.",
    Cause.SILENT_CLIENT: "The thread that should serve them waits for the first bytes of one client.",
    Cause.BACKLOG: "The accept queue is full, and the kernel no longer answers new clients.",
    Cause.UNCLEAR: "The evidence does not say why.",
}
ATTRIBUTIONS = {
    Attribution.THREAD: "one thread",
    Attribution.ARCHITECTURE: "the architecture",
    Attribution.ACCEPT_QUEUE: "the full accept queue",
}
WAITS = {
    WaitKind.UNREAD: "sent bytes that the server has not read",
    WaitKind.NOT_ACCEPTED: "connected and was not accepted",
    WaitKind.NO_REPLY: "its bytes were read, and it got no echo",
}
CLUES = {
    "no-descriptor": "the server reports that accept failed: no file descriptor is left",
    "pool-waits-for-itself": "each thread of the pool waits for a result, and no other thread can give one",
    "helpers-busy": "the server reports as many blocking calls as it has helpers",
    "stays": "the only worker has a client, and its record shows that it serves that client",
    "all-stay": "each worker has a client of its own",
    "pool-busy": "the thread that accepts is idle, and each thread that serves is in a call for another client",
    "reports-cpu": "the server reports that this thread computes on purpose",
    "reports-call": "the server reports that this thread is in a blocking call",
    "stopped": "the kernel shows the process as stopped",
    "waits-for-gil": "the thread waits in a futex for the GIL",
    "goroutine-in-lock": "the goroutine that should serve them waits for a mutex",
    "goroutine-in-send": "the goroutine that should serve them waits for room to send",
    "goroutine-in-recv": "the only goroutine that could serve them waits for another client",
    "goroutine-runnable": "the goroutine that should serve them is ready to run",
    "goroutine-waits": "the goroutine that should serve them waits, by the memory of the process",
    "spins": "it makes one system call after the other, and none of them waits",
    "runs": "the thread is on a core, or ready to run",
    "in-wait-for-child": "the thread waits for a child process (wait4, waitid)",
    "in-call-to-upstream": "the thread waits in a call on a connection to another server",
    "in-lock-of-nobody": "the only thread of its process waits in a futex without a limit of time",
    "in-sleep": "the thread sleeps: its innermost call is Thread.sleep of Java",
    "in-lock": "the thread waits in a futex that is not the GIL",
    "in-write-to-pipe": "the thread is in write to a pipe",
    "in-recv-of-silent-client": "the loop waits in recv for a client that has sent nothing",
    "in-send": "the thread is in send, which waits for room",
    "idle": "the thread is in the call in which it idles",
    "in-call": "the thread is in a system call that is not its idle one",
}
"""What each rule of `echo_tui.diagnosis.rules` has seen, by its name."""


def label(cause: Cause) -> str:
    """Return a cause in one to four words."""
    return translated(LABELS[cause])


def short(cause: Cause) -> str:
    """Return a cause in one or two words."""
    return translated(SHORT.get(cause, LABELS[cause]))


def shortest(cause: Cause) -> str:
    """Return a cause for the narrowest column."""
    return translated(SHORTEST.get(cause, SHORT.get(cause, LABELS[cause])))


def sentence(cause: Cause) -> str:
    """Return a cause as a sentence."""
    return translated(SENTENCES[cause])


def attribution(what: Attribution) -> str:
    """Return what a stall is attributed to."""
    return translated(ATTRIBUTIONS[what])


def wait(what: WaitKind) -> str:
    """Return what a victim waited for."""
    return translated(WAITS[what])


def clue(rule: str) -> str:
    """Return what the rule of this name has seen; the name itself where the rule is unknown."""
    return translated(CLUES.get(rule, rule))
