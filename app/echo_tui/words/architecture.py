"""The architecture of a server, in words."""

from echo_tui.session.architecture import Architecture, Kind
from echo_tui.words import translated

ONE = {
    Kind.LOOP: "one event loop",
    Kind.ONE_BY_ONE: "one thread, one client at a time",
    Kind.POOL: "a pool of {threads} threads",
    Kind.HANDS_OVER: "one thread accepts, others serve",
    Kind.GOROUTINES: "goroutines, run by any of its threads",
}
SEVERAL = {
    Kind.LOOP: "{processes} processes with an event loop each",
    Kind.ONE_BY_ONE: "{processes} processes, one client each",
    Kind.POOL: "{processes} processes with {threads} threads each",
    Kind.HANDS_OVER: "{processes} processes whose threads serve",
    Kind.GOROUTINES: "{processes} processes with goroutines",
}
UNKNOWN = "nobody was seen to accept so far"


def architecture(found: Architecture | None) -> str:
    """Return an architecture in words."""
    if found is None:
        return translated(UNKNOWN)
    words = (ONE if found.processes == 1 else SEVERAL)[found.kind]
    return translated(words).format(processes=found.processes, threads=found.threads)
