"""What the threads panel calls threads, and says that they do; each in ever fewer words."""

from collections.abc import Iterator

from echo_tui.model.threads import Doing
from echo_tui.words import counted, translated

CALLS = {
    "accept": ("waiting in accept", "in accept"),
    "recv": ("waiting in recv", "in recv"),
    "recv-for": ("waiting in recv for {peer}", "in recv for {peer}", "waiting in recv", "in recv"),
    "send": ("waiting {lasted} in send", "{lasted} in send", "{lasted} send", "in send"),
    "send-to": (
        "waiting {lasted} in send to {peer}",
        "{lasted} in send to {peer}",
        "in send to {peer}",
        "waiting {lasted} in send",
        "{lasted} in send",
        "{lasted} send",
        "in send",
    ),
    "poll": ("waiting in {call}", "in {call}"),
    "lock": ("waiting {lasted} for a lock", "{lasted} for a lock", "for a lock"),
    "pause": ("idle",),
    "sleep": ("asleep {lasted} in {call}", "{lasted} in {call}", "{lasted} {call}", "in {call}"),
    "other": ("{lasted} in {call}", "{lasted} {call}", "in {call}"),
}
"""What a thread does by the kind of its system call, with the address of its peer if that is known."""
STOPPED = ("stopped by a signal", "stopped")
DOING = {
    Doing.CALL: ("in a system call",),
    Doing.GIL: ("waiting for the GIL", "for the GIL"),
    Doing.COMPUTING: ("computing",),
    Doing.NO_CORE: ("waiting for a core", "for a core"),
}
WAKES = (", {wakes:.1f} wakes per connection", ", {wakes:.1f} wakes/conn", ", {wakes:.1f} wakes")


def in_call(kind: str, lasted: str, call: str = "", peers: tuple[str, ...] = ("",)) -> tuple[str, ...]:
    """Return that a thread is in a call of a kind of `CALLS`; `peers` is its peer in ever shorter forms."""
    words = (translated(words).format(lasted=lasted, call=call, peer=peer) for words in CALLS[kind] for peer in peers)
    return tuple(dict.fromkeys(words))


def stopped() -> tuple[str, ...]:
    """Return that a signal has stopped a thread."""
    return tuple(map(translated, STOPPED))


def doing(what: Doing) -> tuple[str, ...]:
    """Return what a thread does whose call is not known."""
    return tuple(map(translated, DOING[what]))


def idle() -> str:
    """Return that a worker serves nobody."""
    return translated("idle")


def serves(connections: str, more: int) -> str:
    """Return which connections a worker serves; `more` is the number of those not named."""
    return translated("{connections} and {more} more").format(connections=connections, more=more)


def main() -> str:
    """Return the name of the main thread of a process."""
    return translated("main")


def numbered(tid: int) -> str:
    """Return the name of a thread without one of its own."""
    return translated("thread {tid}").format(tid=tid)


def for_client(peer: str) -> str:
    """Return the name of a thread that serves one client only."""
    return translated("for {peer}").format(peer=peer)


def several(count: int, workers: bool) -> str:
    """Return the name of a row for several threads that are idle in the same way."""
    return translated("{count} idle" if workers else "{count} threads").format(count=count)


def culprit(name: str, for_one_client: bool, pid: int, keeps_gil: bool) -> str:
    """Return the thread to blame, by its name, and its process."""
    name = translated("the thread {name}").format(name=name) if for_one_client else name
    words = translated("kept by {name} of process {pid}" if keeps_gil else "{name} of process {pid}")
    return words.format(name=name, pid=pid)


def titles(count: int, more: int, wakes: float | None) -> Iterator[str]:
    """Yield the number of threads, of which `more` are not sampled, and how many loops a new connection wakes."""
    title = translated("Threads: {count:,}").format(count=count)
    unseen = translated(", {more:,} not looked at").format(more=more) if more else ""
    yield from (f"{title}{unseen}{woken}" for woken in _wakes(wakes))


def titles_unseen(wakes: float | None) -> Iterator[str]:
    """Yield that threads are only reported by the server, and the wakes."""
    yield from (translated("Threads: by the server's word") + woken for woken in _wakes(wakes))
    yield translated("by the server's word")


def titles_unknown(wakes: float | None) -> Iterator[str]:
    """Yield the title of the panel before the first sample, and the wakes."""
    yield from (translated("Threads") + woken for woken in _wakes(wakes))


def not_from_the_kernel(why: str) -> str:
    """Return why the kernel's evidence of threads is missing."""
    return translated("Not from the kernel: {why}.").format(why=why)


def count(number: int | None) -> str:
    """Return how many threads a process has."""
    return translated("- threads") if number is None else counted(number, "{number:,} thread", "{number:,} threads")


def _wakes(wakes: float | None) -> tuple[str, ...]:
    return ("",) if wakes is None else tuple(translated(words).format(wakes=wakes) for words in WAKES)
