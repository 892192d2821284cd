"""The expected effect on other clients, by the kind of block and the architecture."""

from echo_servers.pattern import HUB, LOOP, PROCESS, THREAD, Pattern

from echo_tui.experiments.cell import Effect

SHARED_GIL = {"sleep": Effect.UNTOUCHED, "c-call": Effect.UNTOUCHED, "cpu": Effect.SLOWED, "c-gil": Effect.STOPPED}
"""The effect on another thread of the process: computing shares the GIL, and C code may hold it."""


def expected(pattern: Pattern, kind: str, same_process: bool) -> Effect:
    """Return the expected effect on a client of another one's block; `same_process`: one process serves both."""
    if pattern.serves_in == PROCESS:  # one client at a time in each
        return Effect.UNTOUCHED if pattern.workers else Effect.UNSERVED
    if not same_process:
        return Effect.UNTOUCHED
    if kind not in pattern.moves:
        return Effect.STOPPED if pattern.serves_in == LOOP else SHARED_GIL[kind]
    return {HUB: Effect.UNTOUCHED, THREAD: SHARED_GIL[kind], PROCESS: Effect.UNTOUCHED}[pattern.moves_to]
