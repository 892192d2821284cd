"""The titles of the panels and of the columns of their tables, and what the smaller panels say.

Where there are several wordings, each one is shorter than the one before.
"""

from collections.abc import Iterator

from echo_tui.words import translated

TITLES = {
    "patterns": "Patterns",
    "target": "Server",
    "timeline": "Timeline",
    "connections": "Connections",
    "stalls": "Stalls",
    "events": "Events",
    "calls": "System calls",
    "cpu": "CPU: 0 to 100 %",
    "threads": "Threads",
    "source": "Source",
    "clients": "Clients",
    "welcome": "Welcome",
    "ended": "The server has ended",
}
COLUMNS = {
    "number": "#",
    "peer": "peer",
    "client": "client",
    "state": "state",
    "recv": "recv",
    "send": "send",
    "bytes": "bytes",
    "rtt": "rtt",
    "rtt-max": "rtt max",
    "unsent": "unsent",
    "unread": "unread",
    "unread-for": "unread for",
    "worker": "worker",
    "begin": "begin",
    "length": "length",
    "cause": "cause",
    "who-waits": "who waits",
    "line": "line",
    "thread": "thread",
    "cpu": "CPU",
    "served": "served",
    "voluntary": "vol/s",
    "involuntary": "invol/s",
    "no-core": "no core",
    "process-thread": "process/thread",
}


def title(panel: str) -> str:
    """Return the title of a panel; empty for one without a title."""
    return translated(TITLES[panel]) if panel else ""


def column(name: str) -> str:
    """Return the heading of a column."""
    return translated(COLUMNS[name])


def position(first: int, last: int, total: str, follows: bool) -> str:
    """Return which lines of a panel are visible; `follows` if End makes it follow new ones again."""
    words = translated(
        "{first:,} to {last:,} of {total}, End follows" if follows else "{first:,} to {last:,} of {total}"
    )
    return words.format(first=first, last=last, total=total)


def system_calls(count: int) -> Iterator[str]:
    """Yield the title of the system calls while strace is attached."""
    price = translated("strace slows the server")
    yield f"{title('calls')}: {count:,}; {price}"
    yield f"{title('calls')}; {price}"
    yield f"{translated('Calls')}; {price}"


def now_in() -> str:
    """Return what stands before the call that has not returned."""
    return translated("now in")


def core(number: int) -> str:
    """Return the name of a core."""
    return translated("core {number}").format(number=number)


def no_cores(why: str) -> str:
    """Return why the cores of the machine are not shown."""
    return translated("cores not available here: {why}").format(why=why)


def switches(voluntary: str, involuntary: str, both: str) -> tuple[str, str, str]:
    """Return how often a process is switched per second."""
    return (
        translated("{voluntary} voluntary, {involuntary} involuntary switches/s").format(
            voluntary=voluntary, involuntary=involuntary
        ),
        translated("switches/s {voluntary} vol {involuntary} invol").format(
            voluntary=voluntary, involuntary=involuntary
        ),
        translated("switches {both}/s").format(both=both),
    )


def the_server() -> str:
    """Return what a server is called whose pattern is not known."""
    return translated("the server")


def cannot_start(server: str) -> str:
    """Return that a server has refused to start."""
    return translated("{server} can't start").format(server=server)


def after(lasted: str) -> str:
    """Return how long a server has run."""
    return translated("after {lasted}").format(lasted=lasted)


def watched_again() -> str:
    """Return when an observed server is watched again."""
    return translated("It is watched again once somebody listens at its address.")


def no_stderr() -> str:
    """Return that a server has written nothing to stderr."""
    return translated("It wrote nothing to stderr.")


def start_again(key: str) -> str:
    """Return which key starts the server again."""
    return translated("Press {key} to start it again.").format(key=key)


def source(file: str) -> str:
    """Return the title of the panel that shows a file."""
    return translated("Source: {file}").format(file=file)


def no_line(why: str) -> str:
    """Return why no line of code is shown for a stall."""
    return translated("No line of code: {why}.").format(why=why)


def fix(pattern: str, key: str) -> str:
    """Return which pattern fixes the block, and the key that goes there if it is not empty."""
    return translated("Fix: {pattern}, {key} goes there" if key else "Fix: {pattern}").format(pattern=pattern, key=key)


def timeline(seconds: int) -> str:
    """Return the title of the timeline."""
    return translated("{title}: the last {seconds} s").format(title=title("timeline"), seconds=seconds)


def choose_a_pattern(key: str) -> str:
    """Return what to do before a server is started."""
    return translated("Choose a pattern and press {key}.").format(key=key)


def nobody_connected(key: str) -> tuple[str, str]:
    """Return that nobody is connected, and what to do."""
    how = translated("{key} opens a client here; from another terminal:").format(key=key)
    return translated("Nobody is connected."), how


def nobody_yet(listens: bool) -> str:
    """Return why a recording or stream shows no connection at this time."""
    return translated("Nobody is connected yet." if listens else "The server does not listen yet.")


def line_to_blame() -> str:
    """Return what the source panel shows of a server that was not started here."""
    return translated("During a stall: the line to blame, in its file.")


def not_listening(serves: bool) -> str:
    """Return why nobody can connect to a server that runs."""
    return translated("Starting ..." if serves else "It does not listen.")


def server_lane() -> str:
    """Return the name of the server's own lane."""
    return translated("server")


def mark(seconds: int) -> str:
    """Return a mark on the scale of the timeline, so many seconds ago."""
    return translated("-{seconds} s").format(seconds=seconds) if seconds else translated("now")


def called_at(place: str) -> str:
    """Return where a function was called."""
    return translated("called at {place}").format(place=place)


def cause_without_line(cause: str, why: str) -> str:
    """Return a cause, and why there is no line to blame."""
    return translated("{cause}; no line: {why}").format(cause=cause, why=why)


def in_function(name: str) -> str:
    """Return what stands for a line of code that can't be read."""
    return translated("in {name}").format(name=name)
