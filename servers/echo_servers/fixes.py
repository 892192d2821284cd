"""What fixes a block: the recommended pattern and why it helps, by the kind of block and the current pattern."""

from dataclasses import dataclass

from echo_servers.pattern import HUB, LOOP, PROCESS, THREAD, Pattern
from echo_servers.workers import THREADS, cores

KEEP_THE_GIL = ("cpu", "c-gil")
"""Kinds of block that affect other threads of the process: they compete for the GIL, or never release it."""
MOST = 32
"""The maximum number of workers started to match the number of clients."""


@dataclass(frozen=True)
class Fix:
    """A pattern in which the same block affects only its sender, and one sentence on why."""

    pattern: str
    why: str


TO_THREAD = Fix("asyncio-to-thread", "It moves the call to a thread of its own, and the loop goes on.")
TO_NATIVE_THREAD = Fix(
    "eventlet-tpool", "It moves the call to a native thread, as no monkey patch reaches it, and the hub goes on."
)
TO_PROCESS = Fix("asyncio-processes", "It moves the call to a process with a GIL of its own, and the loop goes on.")
OWN_THREAD = Fix("multithread", "It gives each client a thread of its own, and the call holds only that one.")
OWN_PROCESS = Fix("process-pool", "It has several processes, each with a GIL of its own, and the call holds one.")


def fix(pattern: Pattern, kind: str) -> Fix | None:
    """Return the fix of a kind of block of a pattern; None if no other client waits or no pattern is better."""
    alone = pattern.serves_in == PROCESS and not pattern.workers
    if pattern.moves_to == PROCESS or (pattern.serves_in == PROCESS and not alone):
        return None
    if kind in KEEP_THE_GIL:
        return {LOOP: TO_PROCESS, THREAD: OWN_PROCESS, PROCESS: OWN_PROCESS}.get(pattern.serves_in)
    if pattern.serves_in == LOOP and kind not in pattern.moves:
        return TO_NATIVE_THREAD if pattern.moves_to == HUB else TO_THREAD
    return OWN_THREAD if alone else None


def workers_for(pattern: Pattern, clients: int, asked: int | None) -> int | None:
    """Return how many workers fix a block for this many clients: one each and one more, at least those requested.

    None for a pattern whose workers serve more than one client or call at a time.
    """
    if not pattern.workers or not (pattern.serves_in == PROCESS or pattern.moves_to in (PROCESS, THREAD)):
        return None
    usual = THREADS if pattern.moves_to == THREAD else cores()
    return max(asked or usual, min(clients + 1, MOST))


def promise(pattern: Pattern, workers: int, clients: int) -> str:
    """Return a sentence on what the workers mean for the clients. Only a client that sends needs a helper."""
    helps = bool(pattern.moves_to)
    those, if_sent = f"With {workers} {pattern.workers}", " if all send" if helps else ""
    if workers < clients:
        one = "one for a call" if helps else "one for a client"
        return f"{those}, {one}: {clients - workers} of {clients} clients will wait{if_sent}."
    others = {0: f"a newcomer will wait{if_sent}", 1: "one more"}.get(workers - clients, "more")
    return f"{those}: one for each client, and {others}."
