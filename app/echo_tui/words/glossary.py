"""The words of the screen and where its numbers come from, each in one sentence: the pages of the on-screen help."""

from echo_tui.words import translated

GlossaryEntry = tuple[str, str]
"""A term, and its sentence."""
CONNECTIONS = (
    ("idle", "The connection is accepted, and no message of it waits."),
    ("waits 1.4 s", "A message has no echo yet, for so long."),
    ("waits for [1] 1.4 s", "The thread that serves it is in a blocking call for client 1."),
    ("blocks 1.4 s", "Its handler is in the injected blocking call, which stops the thread."),
    ("patched 1.4 s", "A monkey patch has replaced the call: only this client waits for it."),
    ("in a helper 1.4 s", "A thread or process that serves nobody makes the call."),
    ("not accepted 1.4 s", "The kernel has connected it, and the server has not accepted it."),
    ("client left; closed", "The client's end is closed; the server's end too."),
    ("→ before a pattern", "It fixes the block of the pattern that runs, or is chosen: x goes there."),
    ("external", "A client that echo-tui has not opened."),
    ("unread, unread for", "Bytes that the server has not read, and for how long (Linux)."),
    ("unsent", "Bytes that the server has written and the client has not read (Linux)."),
    ("rtt, rtt max", "Round-trip time of the last message, and the longest, from send to echo."),
    ("recv, send, bytes", "Messages read and written, and bytes read."),
    ("≥ 12", "At least so many: records may have been lost."),
    ("not reading, half-closed", "Our client does not read; it has closed its sending side."),
    ("flood", "One of many silent connections that we opened at once."),
)
SERVER = (
    ("accept queue 2 of 128", "Connections that wait to be accepted, and the limit (Linux)."),
    ("not answered; SYNs dropped", "The queue is full: new clients get no answer, and retry."),
    ("asleep, waiting, computing", "What a thread does, by the system call that it is in (Linux)."),
    ("CPU", "Share of one core, in percent."),
    ("served", "How many connections a thread has served so far."),
    ("switches/s; vol, invol", "Context switches a second: given up voluntarily, or taken away."),
    ("no core", "Share of time that a thread could run and got no core."),
    ("wakes per connection", "How many loops a new connection wakes; one of them accepts it."),
    ("memory +64 MB", "Growth since the server began to listen."),
    ("ceiling reached", "The server stopped reading from a client that does not read."),
    ("stdout held", "Nobody reads what the server prints."),
    ("pid; 4242/4243", "Process id; process and thread id."),
)
STALLS = (
    ("STALLED 2.0 s", "Work has waited for 100 ms or more, and the thread that should do it makes no progress."),
    ("1 call blocks 2 others", "A blocking call stops a thread that serves two more clients."),
    ("blocked", "The thread that should do the work is in a call that blocks."),
    ("computing", "It computes, and so takes nothing else."),
    ("spinning", "It makes system calls that return at once, again and again: a full core, and nothing moves."),
    ("waiting for the GIL", "Another thread holds the lock of the Python interpreter."),
    ("no core", "It could run, and the machine has no core free."),
    ("stopped", "A signal has stopped the process, as Ctrl-Z does."),
    ("busy with one client", "The only thread serves one client: the architecture, not a line."),
    ("all workers busy", "Each worker has a client, and none is left to accept."),
    ("all helpers busy", "Each helper makes a blocking call, and none is free for the next."),
    ("out of descriptors", "The process can open no more sockets until a client leaves."),
    ("client not reading", "The thread waits for room to send."),
    ("waiting for upstream", "The thread waits for an answer of another server."),
    ("waiting for a child", "The thread waits for a child process to end."),
    ("waiting for a lock", "The thread waits for a lock that another one has."),
    ("lock held by nobody", "No thread is left in the process that could release the lock, as after a fork."),
    ("pool waits for itself", "All threads of a pool wait for tasks that wait for a thread of the same pool."),
    ("throttled", "The CPU limit of the server's control group or container keeps it from running."),
    ("pipe full", "The thread writes to a pipe, and its reader does not read."),
    ("waiting for a silent client", "A loop waits for the first bytes of one client, and serves nobody else."),
    ("backlog full", "The accept queue is full."),
    ("unclear", "The evidence does not say why."),
)
TIMELINE = (
    ("─ ▃ ▆ █", "Idle, served, waiting, stalled; higher is worse."),
    ("░ ▓", "Not accepted; not accepted during a stall."),
    ("▒", "Its thread is in another one's call; it has sent nothing yet."),
    ("╌", "The client has left."),
)
EVIDENCE = (
    ("New, Recv, Send, Bye", "Reported by the server over a pipe, without waiting; losses are counted."),
    ("not accepted, unread", "From the kernel by sock_diag, up to 20 times a second (Linux)."),
    ("threads", "From /proc: system call, run time, wait for a core (Linux)."),
    ("the line to blame", "From the thread's stack, which a signal handler of our servers writes."),
    ("CPU, memory", "From psutil, twice a second."),
    ("round trips", "By our clients' own clock, in a process of their own."),
    ("stalls", "Judged from outside, on our clock; the header says how late it was."),
    ("+4,812 echoes, not listed", "A busy server lists about 300 echoes a second; the totals include all of them."),
    ("lost 12", "Records that did not fit into the pipe; the totals include them."),
    ("garbled 2", "Lines on the pipe that are no records."),
    ("screen 3 ms late", "By how much the dashboard itself was late at worst, in 10 s."),
    ("sampling 20/s", "How often the kernel is asked; less often if that costs too much."),
    ("stalls from 0.3 s", "At the present rate every stall of this length is found."),
)
WORDS = (("Connections", CONNECTIONS), ("Server", SERVER), ("Stalls", STALLS), ("Timeline", TIMELINE))
PAGES = ("Keys", "Words on this screen", "Where numbers come from")


def words() -> list[tuple[str, list[GlossaryEntry]]]:
    """Return the words of the screen, by panel."""
    return [(translated(title), [_entry(entry) for entry in entries]) for title, entries in WORDS]


def evidence() -> list[GlossaryEntry]:
    """Return where numbers come from."""
    return [_entry(entry) for entry in EVIDENCE]


def pages() -> list[str]:
    """Return the titles of the pages."""
    return [translated(page) for page in PAGES]


def _entry(entry: GlossaryEntry) -> GlossaryEntry:
    return translated(entry[0]), translated(entry[1])
