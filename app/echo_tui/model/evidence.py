"""What samples of the kernel and of stacks consist of: sockets, threads, and calls."""

import msgspec


class Socket(msgspec.Struct, gc=False):
    """One connection of the server as the kernel has it: bytes that nobody has read yet, and bytes not yet sent.

    `idle` is for how long (ms) no data has come, asked for when a wait is first seen: then the wait is so old at most.
    Where they were asked for, `received` are the bytes that have come since it was opened (tcp_info), `written` those
    that the server has given to send, and `silent` is for how long (ms) none has been sent.
    """

    peer: str
    unread: int
    unsent: int
    accepted: bool
    idle: int | None = None
    received: int | None = None
    written: int | None = None
    silent: int | None = None


class Thread(msgspec.Struct, gc=False):
    """One thread of the server, by proc(5).

    `call` is the system call that it waits in, and `peer` whose connection that is about; without a call it is on a
    core, or runnable and waiting for one. `gil`: the futex is the interpreter's own lock. `ran` and `delayed` are
    totals (ns) of its time on a core, and runnable without one. Context switches are totals, None where not read yet.
    `disturbed`: it may have run for a moment only because we asked for its stack. `stopped`: by a signal, as Ctrl-Z
    does; known as late as the context switches. `accepts`: it polls a listening socket; None where that is not known.
    `remote`: the server that it waits for, where that is known and not one of the clients. Of a server that was not
    started here: `lock` is `private` for a lock of this process without a limit of time, `timed` with one, `shared`
    if other processes may release it; `holder` is the thread that has it, 0 where that is not known; and `pipe` is the
    process that does not read the pipe it writes to, or `?`.
    `parks`: it is a thread of a Go program, whose runtime parks goroutines; what it waits in is not what they wait for.
    `system`: what percentage of its time on a core it has spent in system calls since `system_since` (ns), until
    lately; None while it waits, and where that is not known.
    """

    pid: int
    tid: int
    name: str
    call: str
    peer: str
    gil: bool
    ran: int
    delayed: int
    voluntary: int | None
    involuntary: int | None
    disturbed: bool = False
    stopped: bool = False
    accepts: bool | None = None
    remote: str = ""
    lock: str = ""
    holder: int = 0
    pipe: str = ""
    parks: bool = False
    system: int | None = None
    system_since: int = 0


class Frame(msgspec.Struct, gc=False, frozen=True):
    """One call on a stack."""

    file: str
    line: int
    function: str


class Stack(msgspec.Struct, gc=False):
    """What a thread is doing, the innermost call first."""

    tid: int
    frames: list[Frame]


LISTENER = "listener"
"""In place of a client's address: the listening socket."""


class Goroutine(msgspec.Struct, gc=False, frozen=True, omit_defaults=True):
    """What a goroutine of a Go program is doing, the innermost call first; `tid` is its thread, 0 if it has none.

    It has no frames while it runs. `waits` is for what it waits, much as a goroutine dump says it (`sleep`, `io-wait`),
    or that it is `runnable`. `refers_to` are the clients whose connections are on its stack. `polls` is the one that it
    waits for, `?` for another socket: to read, or else to write.
    """

    number: int
    tid: int
    frames: tuple[Frame, ...]
    waits: str = ""
    refers_to: tuple[str, ...] = ()
    polls: str = ""
    reads: bool = False
