"""The table of the server's threads: what each is doing, as the kernel shows it, and its share of a core."""

from collections.abc import Iterator
from dataclasses import dataclass

from echo_servers.block import WORDS
from echo_servers.pattern import PROCESS
from rich.style import Style

from echo_tui.model.blocks import BlockSpan
from echo_tui.model.threads import Doing, ThreadState
from echo_tui.model.workers import Worker
from echo_tui.session.session import Session
from echo_tui.tui import text
from echo_tui.tui.panel import Line, wrap
from echo_tui.tui.table import Column, TablePanel
from echo_tui.tui.view import View
from echo_tui.words import states
from echo_tui.words import threads as words

FOLDED = 3
"""From this number on, threads of a process that are idle in the same way are one row."""
BAR = 6
POLLS = {"epoll_pwait": "epoll_wait", "epoll_pwait2": "epoll_wait", "pselect6": "select", "ppoll": "poll"}
"""The names that programs use for system calls that the kernel names differently."""


@dataclass(frozen=True)
class ThreadRow:
    """One thread, or `count` that are idle alike; `state` is None if the kernel did not show the thread."""

    names: tuple[str, ...]
    """Its name in ever fewer words."""
    doing: tuple[str, ...]
    """What it does, in ever fewer words."""
    state: ThreadState | None
    worker: Worker | None
    count: int = 1
    blocks: bool = False
    """Whether it is in a blocking call, perhaps on behalf of a serving thread."""

    @property
    def idle(self) -> bool:
        """Whether it serves no connection and makes no blocking call."""
        return not (self.blocks or (self.worker and self.worker.serving))


def names_of(session: Session, pid: int, tid: int) -> tuple[str, ...]:
    """Return the name of a worker, or else of the thread, in ever fewer words.

    A worker that serves one client has its address. Without a name of its own, the main thread of a process is called
    "main", another one "thread" and its id.
    """
    worker, state = session.workers.get((pid, tid)), session.threads.known.get((pid, tid))
    if worker and worker.client:
        addresses = text.tails(text.peer(text.clean(worker.client)))
        return (*map(words.for_client, addresses), *addresses)
    if worker:
        name = text.clean(worker.name)
    elif state is None:
        name = words.numbered(tid)
    elif state.name in ("", program(session)):
        name = words.main() if tid == pid else words.numbered(tid)
    else:
        name = text.clean(state.name)
    return (name,) if any(map(str.isdigit, name)) else (name, name.rpartition(" ")[2])


def program(session: Session) -> str:
    """Return the name of the server's main thread, which other threads have unless they set their own; else empty."""
    server = session.server
    first = session.threads.known.get((server.pid, server.pid)) if server else None
    return first.name if first else ""


def doing(view: View, state: ThreadState) -> tuple[str, ...]:
    """Return what a thread is doing, in ever fewer words that an audience understands."""
    if state.stopped:
        return words.stopped()
    span = block_of(view, state.pid, state.tid)
    since = max(view.session.at_it_since(state), span.begin if span else 0)
    lasted = text.elapsed(max(view.now - since, 0))
    block = WORDS.get(span.kind, span.kind) if span else ""
    if block and state.kind == "lock":
        return words.in_call("other", lasted, block)
    if state.kind == "sleep":
        return words.in_call("sleep", lasted, block or where(state) or state.call)
    peers = text.tails(text.peer(state.peer)) if state.peer else ()
    if peers and state.kind in ("recv", "send"):
        return words.in_call("recv-for" if state.kind == "recv" else "send-to", lasted, peers=peers)
    if state.kind in words.CALLS:
        return words.in_call(state.kind, lasted, POLLS.get(state.call, state.call))
    if state.doing is Doing.CALL and state.call:
        return words.in_call("other", lasted, state.call)
    return words.doing(state.doing)


def name_in_short(names: tuple[str, ...], width: int) -> str:
    """Return a name shortened to `width` cells; a number at its end is kept."""
    short = text.first_that_fits(names, width)
    return text.tail(short, width) if short[-1:].isdigit() else short


def where(state: ThreadState) -> str:
    """Return the function a thread is in; empty if its stack is not known."""
    return text.clean(state.frames[0].function) if state.frames else ""


def serving(worker: Worker) -> str:
    """Return the connections a worker serves, or that it is idle."""
    numbers = sorted(worker.serving)
    if not numbers:
        return words.idle()
    shown = " ".join(f"#{number}" for number in numbers[:3])
    return words.serves(shown, len(numbers) - 3) if len(numbers) > 3 else shown


def block_of(view: View, pid: int, tid: int) -> BlockSpan | None:
    """Return the blocking call that a thread is in, the oldest if its green threads are in several; else None.

    The loop reports the calls of helper processes as its own; a helper's call is known only if all are of one kind.
    """
    spans = [span for span in view.session.blocks.running.values() if (span.pid, span.tid) == (pid, tid)]
    server, started = view.session.server, view.started
    if not spans and server and started and started.moves_to == PROCESS and pid != server.pid:
        moved = list(view.session.blocks.running.values())
        spans = moved if len({span.kind for span in moved}) == 1 else []
    return min(spans, key=lambda span: span.begin, default=None)


def said(view: View, worker: Worker) -> tuple[str, ...]:
    """Return what a worker does according to its records, for a thread that the kernel did not show."""
    if span := block_of(view, worker.pid, worker.tid):
        lasted = text.elapsed(max(view.now - span.begin, 0))
        return states.call_of(WORDS.get(span.kind, span.kind), lasted, span.seconds)
    return (serving(worker),)


def rows(view: View) -> list[ThreadRow]:
    """Return the threads of each process, the main thread first; threads that are idle alike are one row."""
    session = view.session
    workers, known = session.workers, session.threads.known
    blocked = {(span.pid, span.tid) for span in session.blocks.running.values()}
    found = [
        ThreadRow(names_of(session, *key), doing(view, state), state, workers.get(key), blocks=key in blocked)
        for key, state in sorted(known.items())
    ]
    unseen = [(key, worker) for key, worker in workers.items() if key not in known]
    return fold(found) + [
        ThreadRow(names_of(session, *key), said(view, worker), None, worker, blocks=key in blocked)
        for key, worker in unseen
    ]


def fold(found: list[ThreadRow]) -> list[ThreadRow]:
    """Merge at least `FOLDED` idle threads of one process that do the same into one row."""
    alike: dict[tuple[int, str, bool], list[ThreadRow]] = {}
    for row in found:
        if row.idle and row.state and row.state.kind:
            alike.setdefault(likeness(row.state), []).append(row)
    folded: list[ThreadRow] = []
    for row in found:
        same = alike.get(likeness(row.state), []) if row.state and row.idle else []
        if len(same) < FOLDED:
            folded.append(row)
        elif row is same[0]:
            name = words.several(len(same), bool(row.worker))
            folded.append(ThreadRow((name,), row.doing, row.state, None, len(same)))
    return folded


def likeness(state: ThreadState) -> tuple[int, str, bool]:
    """Return the key by which idle threads are merged."""
    return state.pid, state.kind, state.stopped


def is_to_blame(view: View, row: ThreadRow) -> bool:
    """Return whether it is the thread to blame for the stall in focus."""
    culprit, state = view.stall.culprit if view.stall else None, row.state
    return bool(culprit and state and row.count == 1 and (state.pid, state.tid) == (culprit.pid, culprit.tid))


def style(view: View, row: ThreadRow) -> Style:
    """Return the style of a row: blocked and starved threads stand out, idle ones do not."""
    palette, state = view.palette, row.state
    if is_to_blame(view, row):
        return palette.bad
    if row.blocks:
        return palette.waiting
    if state and (state.stopped or state.doing in (Doing.GIL, Doing.NO_CORE) or state.kind == "send"):
        return palette.waiting
    return palette.dim if row.idle else palette.text


def bar(view: View, row: ThreadRow) -> str:
    """Return a thread's share of a core as a bar and in percent; empty if it is not known."""
    cpu = row.state.cpu if row.state and row.count == 1 else None
    if cpu is None:
        return ""
    return f"{'█' * round(cpu * BAR):{BAR}} {cpu:4.0%}".replace("%", " %")


def served(row: ThreadRow) -> str:
    """Return how many connections a thread has served; empty if it is not a worker."""
    return text.count(row.worker.served) if row.worker else ""


def rate(number: float | None) -> str:
    """Return a rate (per second); empty if it is not known."""
    return "" if number is None else text.count(number)


def delay(row: ThreadRow) -> str:
    """Return the share of time a thread was runnable without a core; empty if it is not known."""
    waited = row.state.delay if row.state and row.count == 1 else None
    return "" if waited is None else f"{waited:.0%}".replace("%", " %")


def identity(row: ThreadRow) -> str:
    """Return the process id, and the thread id unless it is the main thread."""
    one = row.state or row.worker
    if one is None:
        return ""
    return str(one.pid) if one.tid == one.pid or row.count > 1 else f"{one.pid}/{one.tid}"


COLUMNS: tuple[Column[ThreadRow], ...] = (
    Column("thread", 8, 0, most=24, fitted=lambda view, r, width: name_in_short(r.names, width)),
    Column(
        "state",
        15,
        0,
        style=style,
        grows=True,
        wants=27,
        fitted=lambda view, r, width: text.first_that_fits(r.doing, width),
    ),
    Column("cpu", BAR + 6, 1, bar, lambda view, r: view.palette.accent),
    Column("served", 6, 3, lambda view, r: served(r), right=True),
    Column("voluntary", 5, 4, lambda view, r: rate(r.state.voluntary if r.state else None), right=True),
    Column("involuntary", 7, 5, lambda view, r: rate(r.state.involuntary if r.state else None), right=True),
    Column("no-core", 7, 6, lambda view, r: delay(r), right=True),
    Column("process-thread", 14, 7, lambda view, r: identity(r), lambda view, r: view.palette.dim),
)


def titles(session: Session) -> Iterator[str]:
    """Return the number of threads, or that they are reported by the server, and the wakes, in ever fewer words."""
    known, count, wakes = session.threads.known, session.threads.count, session.totals.wakes_each
    if known and count is not None:
        return words.titles(count, count - len(known), wakes)
    return words.titles_unseen(wakes) if "threads" in session.missing else words.titles_unknown(wakes)


class ThreadsPanel(TablePanel[ThreadRow]):
    """The panel with one row for each thread, or for several idle ones."""

    TITLE = "threads"
    COLUMNS = COLUMNS

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._reason: list[str] = []
        """The rows below the threads that say why the kernel's evidence is missing."""

    def fingerprint(self, view: View) -> tuple[object, ...]:
        threads, blamed = view.session.threads, view.stall and view.stall.culprit
        known = (threads.changes, threads.count, blamed and (blamed.pid, blamed.tid))
        return (view.session.changes, known, view.tenth, view.session.missing.get("threads"))

    def prepare(self, view: View) -> None:
        self.items = rows(view)
        if len(self.items) > self.rows and self.cursor == self.top == self.first:  # the user has not scrolled
            self.items.sort(key=lambda row: not is_to_blame(view, row))
        why = "" if view.session.threads.known else view.session.missing.get("threads", "")
        self._reason = wrap(words.not_from_the_kernel(why), self.extent.width) if why else []
        self.last = len(self.items) + len(self._reason)
        self.title_text = text.first_that_fits(titles(view.session), self.extent.width - 2)

    def line(self, index: int, width: int) -> Line:
        if index >= len(self.items):
            assert self.view
            return [(self._reason[index - len(self.items)], self.view.palette.dim)]
        return super().line(index, width)

    def plain(self, item: ThreadRow) -> Style:
        assert self.view
        return self.view.palette.dim if item.idle else self.view.palette.text
