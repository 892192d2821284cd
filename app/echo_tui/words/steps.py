"""What to do or see in each step, and what was measured when it had happened."""

from echo_tui.words import translated

SENTENCES = {
    "one": "Open a client: it is accepted at once",
    "three": "Open three clients: one thread serves them all",
    "thread-each": "Open three clients: each gets a thread of its own",
    "second-waits": "Open a second client: it is connected, and nobody accepts it",
    "next-waits": "Open one more client: no worker is left to accept it",
    "close-first": "Close a client that is served: the waiting one is accepted",
    "all-speak": "Let everybody speak: each gets its echo",
    "all-wait": "Let everybody speak while the first one's call blocks: all of them wait",
    "all-wait-own": "Let everybody speak: the first one's handler sleeps, and all wait",
    "only-sender": "Let everybody speak while the first one's call blocks: only it waits",
    "fill-pool": "Open ten clients: each worker has one",
    "fill-processes": "Open a client for each process",
    "threads-climb": "Watch the number of threads climb",
    "refused": "Watch the system refuse one more thread",
    "complains": "Watch its stderr: accept finds nobody, and raises",
    "dies": "Watch it end of that",
    "burns": "Watch the CPU: a whole core, and nobody is connected",
    "burns-for-one": "Open a client that says nothing: the core stays busy",
    "stop-reading": "Let the client stop reading",
    "memory-grows": "Send it 200 x 64 kB a second: the server keeps every echo",
    "two-compute": "Let everybody compute: several processes work at once",
    "wakes": "Open clients one by one: how many loops does each wake?",
    "one-loop": "Let everybody speak while the first one's call blocks its loop",
    "c-call": "Block in C, which no monkey patch reaches: all of them wait",
}
MEASURES = {
    "one": "accepted",
    "three": "threads that serve them: {value}",
    "thread-each": "threads that serve them: {value}",
    "second-waits": "it waits in the accept queue: {value}",
    "next-waits": "it waits in the accept queue: {value}",
    "close-first": "accepted after {value}",
    "all-speak": "the slowest echo took {value}",
    "all-wait": "{value} waited",
    "all-wait-own": "{value} waited",
    "only-sender": "{value} others were served meanwhile",
    "fill-pool": "{value} workers serve {value} clients",
    "fill-processes": "{value} processes serve {value} clients",
    "threads-climb": "{value} threads",
    "refused": "after {value}",
    "complains": "lines on stderr: {value}",
    "dies": "it ended after {value}",
    "burns": "{value} of a core for nobody",
    "burns-for-one": "{value} of a core for a silent client",
    "stop-reading": "{value} not reading",
    "memory-grows": "memory +{value}",
    "two-compute": "{value} processes compute at once",
    "wakes": "{value} loops woken for each connection",
    "one-loop": "{value} waited",
    "c-call": "{value} waited",
}
ALL_DONE = "All steps done; {key} starts {pattern}"
CANT = "Can't be shown here: {why}"


def sentence(code: str) -> str:
    """Return what to do or see in a step."""
    return translated(SENTENCES[code])


def measured(code: str, value: str) -> str:
    """Return what was measured when a step had happened."""
    return translated(MEASURES[code]).format(value=value)


def all_done(key: str, pattern: str) -> str:
    """Return what to do after the last step: the key, and the pattern that it starts."""
    return translated(ALL_DONE).format(key=key, pattern=pattern)


def cannot(why: str) -> str:
    """Return that a step can't be shown here, and why."""
    return translated(CANT).format(why=why)
