"""The workers: each process or thread that serves, whom it serves, and whether it sits in the block."""

from rich.style import Style

from app.session.parts import BlockSpan, Worker
from app.tui import table, text
from app.tui.panel import Line, Panel
from app.tui.view import View
from servers.block import WORDS


def identity(view: View, worker: Worker) -> str:
    """Process, and thread where it is not the process's first."""
    return str(worker.pid) if worker.tid == worker.pid else f"{worker.pid}/{worker.tid}"


def title(view: View, worker: Worker) -> str:
    """The worker's name; that of a thread for one client is the client's peer."""
    before, _, address = worker.name.rpartition(" ")
    return f"{before} {text.peer(text.clean(address))}" if before == "for" else text.clean(worker.name)


def serving(view: View, worker: Worker) -> str:
    """The connections it has."""
    numbers = sorted(worker.serving)
    shown = " ".join(f"#{number}" for number in numbers[:3])
    return shown + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else "") if numbers else "idle"


def block_of(view: View, worker: Worker) -> BlockSpan | None:
    """The blocking call it is in, the oldest where green threads are in several."""
    spans = [s for s in view.session.blocking.values() if (s.pid, s.tid) == (worker.pid, worker.tid)]
    return min(spans, key=lambda span: span.begin, default=None)


def doing(view: View, worker: Worker) -> str:
    """What it does, as far as it has said."""
    if span := block_of(view, worker):
        lasted = text.elapsed(max(view.now - span.begin, 0))
        return f"{WORDS.get(span.kind, span.kind)} {lasted} of {span.seconds:g} s"
    return serving(view, worker)


def doing_style(view: View, worker: Worker) -> Style:
    """The block stands out."""
    return view.palette.waiting if block_of(view, worker) else view.palette.text


Column = table.Column[Worker]
COLUMNS = (
    Column("worker", 10, 0, title),
    Column("serves", 14, 0, doing, doing_style, grows=True),
    Column("served", 6, 2, lambda view, w: text.count(w.served), right=True),
    Column("process/thread", 14, 3, identity, lambda view, w: view.palette.dim),
)


class WorkersPanel(Panel):
    """One row for each worker."""

    TITLE = "Workers"
    HEADED = True

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: list[Worker] = []

    def fingerprint(self, view: View) -> tuple[object, ...]:
        return (view.session.changes, view.now // 100_000_000 if view.session.blocking else 0)

    def prepare(self, view: View) -> None:
        self._rows = list(view.session.workers.values())
        self.last = len(self._rows)
        busy = sum(1 for worker in self._rows if worker.serving)
        self.title_text = f"{self.TITLE}: {busy} of {len(self._rows)} serving" if self._rows else self.TITLE

    def heading(self, width: int) -> Line:
        assert self.view
        return table.head(table.fitting(COLUMNS, width), self.view.palette)

    def line(self, index: int, width: int) -> Line:
        assert self.view
        worker = self._rows[index]
        plain = self.view.palette.text if worker.serving else self.view.palette.dim
        return table.row(table.fitting(COLUMNS, width), self.view, worker, plain)
