"""What the others should feel, by what kind of block it is and how the pattern is built."""

from echo_servers.pattern import HUB, LOOP, PROCESS, THREAD, Pattern

from echo_tui.experiments.cell import Felt

SHARED_GIL = {"sleep": Felt.UNTOUCHED, "c-call": Felt.UNTOUCHED, "cpu": Felt.SLOWED, "c-gil": Felt.STOPPED}
"""What another thread of the process feels: computing takes turns with the GIL, and C may keep it."""


def expected(pattern: Pattern, kind: str, same_process: bool) -> Felt:
    """What a client should feel while another one's message blocks; `same_process`: one process serves both."""
    if pattern.serves_in == PROCESS:  # one client at a time in each
        return Felt.UNTOUCHED if pattern.workers else Felt.UNSERVED
    if not same_process:
        return Felt.UNTOUCHED
    if kind not in pattern.moves:
        return Felt.STOPPED if pattern.serves_in == LOOP else SHARED_GIL[kind]
    return {HUB: Felt.UNTOUCHED, THREAD: SHARED_GIL[kind], PROCESS: Felt.UNTOUCHED}[pattern.moves_to]
