"""Why a key is unavailable, by the id of the key or what it lacks."""

from echo_tui.words import translated

REASONS = {
    "no-snapshot": "Of a stall so long ago no picture is kept",
    "no-snapshots": "No picture of a stall so far",
    "no-stalls": "No stall of this server so far",
    "no-stall-before": "No stall before this one",
    "no-stall-after": "This is what goes on now",
    "not-started": "No pattern has been started: there is nothing to fix",
    "no-server": "No server runs whose system calls could be shown",
    "no-strace": "strace is not installed here",
    "prints-nothing": "This server prints nothing: start echo-tui with --print",
    "no-recording": "No recording of this scene: name one in the configuration, {pattern = ..., recording = FILE}",
    "nobody-to-flood": "No flood: no server of ours listens",
}


def reason(code: str) -> str:
    """Return why a key is unavailable."""
    return translated(REASONS[code])


def demo_later(key: str) -> str:
    """Return that the demonstration has to wait until the running server is stopped, and which key stops it."""
    return translated("The demonstration starts a server of its own: {key} stops this one").format(key=key)


def held(key: str) -> str:
    """Return that no pattern fixes that stdout is held, and which key reads it again."""
    return translated("Nobody reads stdout, and no pattern fixes that: {key} reads it again").format(key=key)


def serves_nobody(pattern: str) -> str:
    """Return that a pattern without clients has nothing to fix."""
    return translated("{pattern} serves nobody: there is nothing to fix").format(pattern=pattern)


def blocks_nobody(pattern: str, call: str) -> str:
    """Return that under a pattern a block affects nobody else."""
    words = translated("Under {pattern}, {call} blocks nobody but its sender: there is nothing to fix")
    return words.format(pattern=pattern, call=call)


def no_event_loop(pattern: str) -> str:
    """Return that strace is not shown for a pattern."""
    return translated("strace is shown for one event loop, and {pattern} has none").format(pattern=pattern)


def nobody_to_do_that(key: str) -> str:
    """Return that there is no client to misbehave, and which key opens one."""
    return translated("No client to do that: {key} opens one").format(key=key)
