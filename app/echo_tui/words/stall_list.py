"""What the list of stalls and the details of one say; where there are several wordings, each one is shorter."""

from collections.abc import Iterator

from echo_tui.words import counted, translated
from echo_tui.words.panels import title

TOO_SHORT = ("over before it was asked", "over before asked", "too short")
NO_ANSWER = ("its thread did not answer", "no answer")
HEADINGS = {
    "culprit": "Thread to blame",
    "sampled": "The thread that was sampled (the architecture is to blame, not its line)",
    "advice": "What helps",
    "clues": "Clues",
    "calls": "Its stack, innermost call first",
    "stack": "Its stack",
}


def no_line(too_short: bool) -> tuple[str, ...]:
    """Return why the line of a stall is not known: it was too short, or its thread did not answer."""
    return tuple(map(translated, TOO_SHORT if too_short else NO_ANSWER))


def injected(cause: str, short: str, shortest: str) -> Iterator[str]:
    """Yield a cause in three lengths, with the mark of an injected block."""
    for mark in (translated("{cause} (block)"), translated("{cause}, block")):
        for words in (cause, short):
            yield mark.format(cause=words)
    yield translated("{cause}, block").format(cause=shortest)


def not_available(why: str) -> str:
    """Return why no stall can be found."""
    return translated("Not available here: {why}.").format(why=why)


def none_so_far(least: str) -> str:
    """Return that there was no stall of at least this length."""
    words = translated("None so far: nothing has waited in the kernel for {least} with nobody taking anything.")
    return words.format(least=least)


def titles(causes: list[tuple[int, str]], going: int) -> Iterator[str]:
    """Yield the title: how many stalls had which cause, the most frequent first, and how many go on."""
    counts = [translated("{count} {cause}").format(count=count, cause=cause) for count, cause in causes]
    goes_on = [translated("{count} going on").format(count=going)] if going else []
    for most in range(len(counts), -1, -1):
        if said := ", ".join(counts[:most] + goes_on):
            yield f"{title('stalls')}: {said}"


def title_not_available() -> str:
    """Return the title where no stall can be found."""
    return translated("{title}: not available here").format(title=title("stalls"))


def waiting(victims: str) -> str:
    """Return who waited, as a sentence."""
    return translated("Waiting: {victims}.").format(victims=victims)


def heading(code: str) -> str:
    """Return the heading of a section of the details."""
    return translated(HEADINGS[code])


def headline(number: int, cause: str, lasted: str, is_injected: bool, ended: bool) -> str:
    """Return the first heading of the details."""
    by = translated(" by an injected block") if is_injected else ""
    so_far = "" if ended else translated(" so far")
    words = translated("Stall {number}: {cause}{by}, {lasted}{so_far}")
    return words.format(number=number, cause=cause, by=by, lasted=lasted, so_far=so_far)


def began(at: str, attribution: str) -> str:
    """Return when a stall began, and what it is attributed to."""
    words = translated("It began at {at} of the run. It is attributed to {attribution}.")
    return words.format(at=at, attribution=attribution)


def who_waited(count: int) -> str:
    """Return the heading above the victims."""
    return translated("Who waited ({count})").format(count=count)


def not_answered() -> str:
    """Return what a client waits for that is not connected."""
    return translated("the kernel does not answer its SYN")


def more(count: int) -> str:
    """Return how many victims are not named."""
    return translated("and {count:,} more").format(count=count)


def no_culprit() -> str:
    """Return that no thread is to blame."""
    return translated("None is known.")


def no_sample() -> str:
    """Return that there are no clues."""
    return translated("No sample has been taken of the thread yet.")


def samples(count: int, clue: str, rule: str) -> str:
    """Return how many samples showed a clue, and the name of its rule."""
    return f"{counted(count, '{number:,} sample', '{number:,} samples')}: {clue} ({rule})"


def not_known(why: str) -> str:
    """Return why the stack is not known."""
    return translated("Not known: {why}.").format(why=why)


def thread(name: str, pid: int, tid: int) -> str:
    """Return which thread it is; an empty name is that of a thread without one."""
    words = translated("{name}, process {pid}, thread {tid}")
    return words.format(name=name or translated("thread"), pid=pid, tid=tid)


def in_call(call: str, peer: str) -> str:
    """Return the system call that a thread is in, and its peer if that is not empty."""
    words = translated("in the system call {call}, connected to {peer}" if peer else "in the system call {call}")
    return words.format(call=call, peer=peer)
