"""The expected effect on other clients, by the kind of block and the architecture."""

from echo_servers.pattern import HUB, LOOP, PROCESS, THREAD, Pattern

from echo_tui.experiments.cell import Felt

SHARED_GIL = {"sleep": Felt.UNTOUCHED, "c-call": Felt.UNTOUCHED, "cpu": Felt.SLOWED, "c-gil": Felt.STOPPED}
"""The effect on another thread of the process: computing shares the GIL, and C code may hold it."""


def expected(pattern: Pattern, kind: str, same_process: bool) -> Felt:
    """Return the expected effect on a client of another one's block; `same_process`: one process serves both."""
    if pattern.serves_in == PROCESS:  # one client at a time in each
        return Felt.UNTOUCHED if pattern.workers else Felt.UNSERVED
    if not same_process:
        return Felt.UNTOUCHED
    if kind not in pattern.moves:
        return Felt.STOPPED if pattern.serves_in == LOOP else SHARED_GIL[kind]
    return {HUB: Felt.UNTOUCHED, THREAD: SHARED_GIL[kind], PROCESS: Felt.UNTOUCHED}[pattern.moves_to]
