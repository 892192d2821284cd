"""The screen of the isolation matrix; where there are several wordings, each one is shorter than the one before."""

from echo_tui.words import translated

NEWCOMERS = {"new served": "served", "new waits": "waits", "new not connected": "not connected"}
"""What became of a client that came during the block, by the code of `experiments.report`."""
RESTS = {"cannot": "{count} can't be", "failed": "{count} failed"}
ACTIONS = {
    "stop": "stop measuring",
    "to-stall": "to its stall",
    "all": "measure all",
    "rest": "measure the rest",
    "again": "measure all again",
    "pattern": "this pattern",
    "back": "back",
}


def column() -> str:
    """Return the heading of the patterns."""
    return translated("pattern")


def measuring() -> str:
    """Return what stands in the cell that is being measured."""
    return translated("measuring ...")


def serves_nobody() -> str:
    """Return why a pattern without clients can't be measured."""
    return translated("serves nobody")


def title() -> str:
    """Return what the matrix shows."""
    return translated("Isolation matrix: whom does a block affect?")


def short_title() -> str:
    """Return the same for a narrow terminal."""
    return translated("Isolation matrix")


def briefly_measured(done: int, of: int) -> str:
    """Return how many cells are measured, for a narrow terminal."""
    return translated("{done} of {of}").format(done=done, of=of)


def to_go(cells: int, about: str) -> str:
    """Return how many cells are still to be measured, and how long that takes."""
    return translated("{cells} to go, about {about}").format(cells=cells, about=about)


def rest(code: str, count: int) -> str:
    """Return how many cells can't be measured, or failed."""
    return translated(RESTS[code]).format(count=count)


def measured(done: int, of: int, rest: list[str], about: str) -> str:
    """Return how many cells are measured; `about` is how long all take, and empty once one is measured."""
    words = translated("{done} of {of} measured").format(done=done, of=of)
    takes = translated(" (grey: expected); all take about {about}").format(about=about) if about else ""
    return ", ".join([words, *rest]) + takes


def legend(seconds: float, marks: dict[str, str]) -> tuple[str, str, str]:
    """Return what a cell shows; `marks` are those of a new client, by the codes of `NEWCOMERS`."""
    what = translated("one message blocks for {seconds:g} s: what the others feel").format(seconds=seconds)
    shares = translated("(2/3: two of three)")
    each = "  ".join(f"{mark} {translated(NEWCOMERS[code])}" for code, mark in marks.items())
    new = translated("new client: {marks}").format(marks=each)
    return f"{what} {shares}   {new}", f"{what}   {new}", new


def not_measured_yet(expected: str) -> str:
    """Return what is expected of a cell that has not been measured."""
    return translated("not measured yet; expected: {expected}").format(expected=expected)


def stops_the_server() -> tuple[str, str]:
    """Return what a measurement does to the server that runs."""
    long = translated("Measuring stops the server that runs; it comes back, and our own clients do.")
    return long, translated("measuring stops the server")


def action(code: str) -> str:
    """Return what a key does."""
    return translated(ACTIONS[code])


def not_measured(why: str) -> str:
    """Return why there is no measurement."""
    return translated("not measured: {why}").format(why=why)


def others(words: str, silence: str, lasted: str) -> str:
    """Return the effect on the others, and their longest time without an echo."""
    said = translated("The others: {words}; longest silence {silence} of {lasted}")
    return said.format(words=words, silence=silence, lasted=lasted)


def round_trips(before: str, during: str) -> str:
    """Return within which time three of four round trips were, before the block and during it."""
    words = translated("Three of four round trips: {before} before, {during} during the block")
    return words.format(before=before, during=during)


def newcomer(process: str, connected: str, served: str) -> str:
    """Return when a client that came during the block was connected and had its first echo; empty if it did not."""
    who = translated("A new client, {process}") if process else translated("A new client")
    after = translated("connected after {time}") if connected else translated("not connected")
    echo = translated("first echo after {time}") if served else translated("not served")
    return f"{who.format(process=process)}: {after.format(time=connected)}, {echo.format(time=served)}"


def unexpected(mark: str, wanted: str, busy: int) -> str:
    """Return what was expected instead; `busy` is how busy (percent) the cores were, 0 if that is not known."""
    may = translated("; busy cores may be why ({busy} % in use): measure again").format(busy=busy) if busy else ""
    return translated("{mark} Expected: {wanted}{may}").format(mark=mark, wanted=wanted, may=may)


def as_expected(wanted: str) -> str:
    """Return that the effect is the expected one."""
    return translated("Expected: {wanted}. So it is.").format(wanted=wanted)


def stall(cause: str, victims: int, length: str, older: bool) -> str:
    """Return the stall of a cell; `older` if it began before the block."""
    words = "The stall: {cause}; {victims} waited, {length}"
    if older:
        words = "The stall: {cause}; {victims} waited, {length}, since before the block"
    return translated(words).format(cause=cause, victims=victims, length=length)


def where(place: str) -> str:
    """Return the line to blame."""
    return translated("at {place}").format(place=place)


def no_stall() -> str:
    """Return that there was no stall."""
    return translated("No stall")


def by_process(within: str, elsewhere: str) -> str:
    """Return the effect on clients of the same process, and on those of others."""
    words = translated("{within} for those in its process, {elsewhere} for others")
    return words.format(within=within, elsewhere=elsewhere)


def none() -> str:
    """Return what stands for a time that is not known."""
    return translated("none")
