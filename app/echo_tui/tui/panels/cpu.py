"""CPU of each process of the server and of each core of the machine, on a scale that is always 0 to 100 %."""

from collections import deque
from itertools import islice

from echo_tui.model.resources import Process
from echo_tui.tui import text
from echo_tui.tui.panel import Line, Panel, pad, wrap
from echo_tui.tui.view import View
from echo_tui.words import panels as words
from echo_tui.words import threads as threads_of

NOTABLE = 8_000_000
"""Growth of memory (bytes) from which it is shown."""


def history(samples: deque[tuple[int, float]], width: int) -> str:
    """Return the last samples as bars, the newest on the right."""
    bars = [text.gauge(percent) for _, percent in islice(reversed(samples), width)]
    return "".join(reversed(bars)).rjust(width)


class CpuPanel(Panel):
    """The panel with two rows for each process, then one for each core."""

    TITLE = "cpu"
    SELECTS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._processes: list[Process] = []
        self._reason: list[str] = []
        """The rows that say why there are no cores, shown in their place."""

    def fingerprint(self, view: View) -> object:
        session = view.session
        samples = (*session.resources.cores[:1], *(process.cpu for process in session.resources.processes.values()))
        newest = tuple(each[-1][0] for each in samples if each)
        return (newest, len(session.resources.processes), session.missing.get("cores"), session.changes)

    def prepare(self, view: View) -> None:
        processes = view.session.resources.processes.values()
        self._processes = [process for process in processes if not process.gone_at]
        why = "" if view.session.resources.cores else view.session.missing.get("cores", "")
        self._reason = wrap(words.no_cores(why), self.extent.width) if why else []
        self.last = 2 * len(self._processes) + max(len(view.session.resources.cores), len(self._reason))

    def line(self, index: int, width: int) -> Line:
        assert self.view
        if index < 2 * len(self._processes):
            process = self._processes[index // 2]
            return self._detail(process, width) if index % 2 else self._bar(self._label(process), process.cpu, width)
        core = index - 2 * len(self._processes)
        if self._reason:
            return [(self._reason[core], self.view.palette.dim)]
        return self._bar(words.core(core), self.view.session.resources.cores[core], width, faint=True)

    def _label(self, process: Process) -> str:
        assert self.view
        server = self.view.session.server
        return f"{process.pid}" if server and process.pid == server.pid else f" {process.pid}"

    def _bar(self, name: str, samples: deque[tuple[int, float]], width: int, faint: bool = False) -> Line:
        assert self.view
        palette = self.view.palette
        percent = samples[-1][1] if samples else None
        shown = f"{percent:3.0f} %" if percent is not None else f"{text.UNKNOWN:>3} %"
        busy = percent is not None and percent >= 80
        style = palette.waiting if busy else palette.dim if faint else palette.accent
        bars = history(samples, max(width - 15, 0))
        return [(pad(name, 9), palette.dim if faint else palette.text), (bars, style), (f" {shown:>5}", style)]

    def _detail(self, process: Process, width: int) -> Line:
        assert self.view
        voluntary, involuntary = text.count(process.voluntary), text.count(process.involuntary)
        both = [count for count in (process.voluntary, process.involuntary) if count is not None]
        wordings = words.switches(voluntary, involuntary, text.count(sum(both) if both else None))
        switches = wordings[(width < 78) + (width < 54)]
        threads = threads_of.count(process.threads)
        gap = "  "
        memory, style = text.size(process.rss), self.view.palette.dim
        if process.growth >= NOTABLE:
            memory, style = f"{memory}, +{text.size(process.growth)}", self.view.palette.waiting
            switches = switches if width >= 40 else ""
        counted = f"{threads}{gap}" if width >= 34 else ""  # the threads panel counts them too
        return [(f"  {counted}", self.view.palette.dim), (memory, style), (gap + switches, self.view.palette.dim)]
