"""What connections are doing, and blocking calls, in words."""

from echo_tui.model.remembered import State
from echo_tui.words import translated

CONNECTIONS = {
    State.QUEUED: "not accepted",
    State.QUIET: "idle",
    State.WAITING: "waits",
    State.THREAD_BLOCKED: "waits",
    State.LEFT: "client left",
    State.CLOSED: "closed",
}


def connection(state: State) -> str:
    """Return the state of a connection."""
    return translated(CONNECTIONS[state])


def lasting(state: State, lasted: str, whom: str = "") -> tuple[str, ...]:
    """Return the state of a connection that waits, in ever fewer words; `whom` is the connection it waits for."""
    bare = f"{connection(state)} {lasted}"
    return (translated("waits for {whom} {lasted}").format(whom=whom, lasted=lasted), bare) if whom else (bare,)


def calls(call: str, lasted: str, elsewhere: str) -> tuple[str, ...]:
    """Return that a connection's handler is in a call, in ever fewer words; `elsewhere` says why no thread of it waits.

    It is empty for a call that blocks the thread.
    """
    if elsewhere:
        return (f"{call} {elsewhere} {lasted}", f"{elsewhere} {lasted}", lasted)
    long = translated("blocks {lasted} ({call})").format(call=call, lasted=lasted)
    return (long, translated("blocks {lasted}").format(lasted=lasted))


PATCHED, BY_HELPER = "patched", "in a helper"


def elsewhere(by_helper: bool) -> str:
    """Return why a call blocks no serving thread: a helper makes it, or a monkey patch has replaced it."""
    return translated(BY_HELPER if by_helper else PATCHED)


def remaining(call: str, elapsed: float, seconds: float) -> tuple[str, ...]:
    """Return how far a blocking call of a known length is, in ever fewer words."""
    count = translated("{elapsed:.0f} of {seconds:g} s").format(elapsed=elapsed, seconds=seconds)
    return (f"{call} {count}", count)


def call_of(call: str, lasted: str, seconds: float) -> tuple[str, ...]:
    """Return how long a blocking call of a known length has lasted, in ever fewer words."""
    count = translated("{lasted} of {seconds:g} s").format(lasted=lasted, seconds=seconds)
    return (f"{call} {count}", count)


def blocked_by_calls(calls: int, others: int) -> str:
    """Return how many injected calls block how many connections besides their own."""
    subject = translated("1 call blocks") if calls == 1 else translated("{calls:,} calls block").format(calls=calls)
    if not others:
        return f"{subject} {translated('nobody else')}"
    several = translated("{others:,} others").format(others=others)
    return f"{subject} {translated('1 other') if others == 1 else several}"


def burnt(percent: int) -> str:
    """Return the share of a core that a server takes while no message comes."""
    return translated("{percent} % of a core, 0 messages").format(percent=percent)


def several_calls(count: int, call: str) -> str:
    """Return that so many workers are in a call."""
    return translated("{count} in {call}").format(count=count, call=call)


def cores_compute(count: int) -> str:
    """Return that so many processes compute, each on a core of its own if there are enough."""
    return translated("{count} processes compute").format(count=count)


def pending(count: int, oldest: str) -> tuple[str, str]:
    """Return how many replies are pending, at length and in short."""
    noun = translated("reply") if count == 1 else translated("replies")
    long = translated("{count} {noun} pending, oldest {oldest}").format(count=f"{count:,}", noun=noun, oldest=oldest)
    return long, translated("{count} pending").format(count=f"{count:,}")
