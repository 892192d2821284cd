"""What connections and threads are doing, in words."""

from echo_tui.model.connection import State
from echo_tui.model.threads import Doing
from echo_tui.words import translated

CONNECTIONS = {
    State.QUEUED: "not accepted",
    State.QUIET: "idle",
    State.WAITING: "waits",
    State.HELD: "waits",
    State.LEFT: "client left",
    State.CLOSED: "closed",
}
THREADS = {
    Doing.CALL: "in a system call",
    Doing.GIL: "waiting for the GIL",
    Doing.COMPUTING: "computing",
    Doing.NO_CORE: "waiting for a core",
}


def connection(state: State) -> str:
    """Return the state of a connection."""
    return translated(CONNECTIONS[state])


def lasting(state: State, lasted: str, whom: str = "") -> tuple[str, ...]:
    """Return the state of a connection that waits, in ever fewer words; `whom` is the connection it waits for."""
    bare = f"{connection(state)} {lasted}"
    return (translated("waits for {whom} {lasted}").format(whom=whom, lasted=lasted), bare) if whom else (bare,)


def calls(call: str, lasted: str, blocks: bool) -> tuple[str, ...]:
    """Return that a connection's handler is in a call, in ever fewer words; `blocks` if the call blocks its thread."""
    if not blocks:
        return (translated("in {call} {lasted}").format(call=call, lasted=lasted), lasted)
    long = translated("blocks {lasted} ({call})").format(call=call, lasted=lasted)
    return (long, translated("blocks {lasted}").format(lasted=lasted))


def remaining(call: str, elapsed: float, seconds: float) -> tuple[str, ...]:
    """Return how far a blocking call of a known length is, in ever fewer words."""
    count = translated("{elapsed:.0f} of {seconds:g} s").format(elapsed=elapsed, seconds=seconds)
    return (f"{call} {count}", count)


def thread(doing: Doing) -> str:
    """Return what a thread is doing."""
    return translated(THREADS[doing])


def blocked_by_calls(calls: int, others: int) -> str:
    """Return how many injected calls block how many connections besides their own."""
    subject = translated("1 call blocks") if calls == 1 else translated("{calls:,} calls block").format(calls=calls)
    if not others:
        return f"{subject} {translated('nobody else')}"
    several = translated("{others:,} others").format(others=others)
    return f"{subject} {translated('1 other') if others == 1 else several}"
