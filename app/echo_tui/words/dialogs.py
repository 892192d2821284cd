"""The questions and the menu of the dialogs, their hints, and what is wrong with an answer."""

from echo_tui.words import counted, translated

QUESTIONS = {
    "clients": "How many clients to open?",
    "load": "Messages a second from {clients}?",
    "burst": "How many messages at once from {clients}?",
    "block": "Blocking call: KIND:SECONDS, or KIND:SECONDS/N for one message in N",
    "misbehave": "How should {clients} misbehave?",
}
HINTS = {
    "clients": "1 to {most:,}",
    "load": "0.01 to {most:,.0f}; 0 stops. {size} bytes each, or 10x64k for large ones, whether the echo has come or "
    "not.",
    "burst": "1 to {most:,}, of {size} bytes; 2000x64k for large ones",
    "block": "sleep (time.sleep), c-call (C that gives the GIL up), cpu (computing), c-gil (C that keeps the GIL); "
    "0.001 to 60 seconds. It is switched on.",
    "confirm": "y or Enter: yes     n or Esc: no",
}
COSTS = {
    "any": "a pool a worker, and a loop nothing",
    "loop": "a loop nothing",
    "pool": "the pool a worker",
    "thread": "a thread of its own",
    "only": "the only thread",
}
"""What a silent client costs a server, by what serves it."""


def question(code: str, clients: str = "") -> str:
    """Return a question, perhaps about some clients."""
    return translated(QUESTIONS[code]).format(clients=clients)


def hint(code: str, most: float = 0, size: int = 0) -> str:
    """Return how to answer a question: the largest number, and the bytes of a message unless others are given."""
    return translated(HINTS[code]).format(most=most, size=size)


def is_closed(client: int) -> str:
    """Return that a client of ours is closed, so that it can send nothing."""
    return translated("Client [{client}] is closed: ← and → choose another one").format(client=client)


def whom(client: int | None) -> str:
    """Return whom an action is about: one client, or all of them."""
    return translated("all clients") if client is None else translated("client [{client}]").format(client=client)


def silent_client(key: str, served_by: str) -> str:
    """Return what a silent client costs, by what serves it, and the key that opens one."""
    words = translated("A silent client ({key}) costs {cost}.")
    return words.format(key=key, cost=translated(COSTS[served_by]))


def close_all(count: int, reset: bool) -> str:
    """Return the question before all clients are closed."""
    return translated("Reset all {count:,} clients?" if reset else "Close all {count:,} clients?").format(count=count)


def cut_off(count: int) -> str:
    """Return the question before a restart that cuts off external clients."""
    one = "Restart and cut off {number:,} external client?"
    return counted(count, one, "Restart and cut off {number:,} external clients?")


def leave(clients: int) -> str:
    """Return the question before the dashboard ends a server with clients."""
    one = "A server is running with {number:,} client. Quit?"
    return counted(clients, one, "A server is running with {number:,} clients. Quit?")


def whole_number(least: int, most: int) -> str:
    """Return which whole numbers are an answer."""
    return translated("a whole number from {least:,} to {most:,}, please").format(least=least, most=most)


def rate(most: float) -> str:
    """Return which numbers of messages a second are an answer."""
    return translated("a number from 0.01 to {most:,.0f}, or 0 to stop, please").format(most=most)


def message_size(most: int) -> str:
    """Return which sizes of a message are an answer."""
    return translated("after the x comes a message's size: 1 to {most:,} bytes, or 64k").format(most=most)


def start(pattern: str) -> str:
    """Return the palette's command that starts a pattern."""
    return translated("Start {pattern}").format(pattern=pattern)


def keys(names: str, several: bool) -> str:
    """Return the key of a palette's command, or the keys to be pressed one after the other."""
    return translated("keys: {names}" if several else "key: {names}").format(names=names)


def search_themes() -> str:
    """Return what an empty search for themes shows."""
    return translated("Search for themes...")
