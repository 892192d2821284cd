"""What sampling CPU and memory twice a second costs, by the number of processes and threads.

`python -m tests.bench.sampling PROCESSES THREADS LEASH` is an idle group of processes to sample.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
from echo_servers import leash

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section

TITLE = "Sampling CPU and memory"
CREWS = ((1, 1), (3, 3), (20, 40), (1, 100))
"""Processes, and threads in all of them together."""
PATIENCE = 10.0
YOUNG = 3.5
"""Seconds during which a new server is searched for new processes at every sample, and a little more."""
WINDOW = 4
"""Samples in one round: an older server is searched for new processes once in so many samples."""


def crew(processes: int, threads: int, tied: int) -> None:
    """Be this many idle processes and threads until the parent-death pipe closes."""
    leash.wear(tied, -os.getpgrp())
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    for _ in range(threads // processes - 1):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pause()


def measure(effort: Effort) -> Section:
    """Measure all groups side by side, at the dashboard's rate."""
    # Imported here to keep the sampled processes small.
    from echo_tui.observers.resources import ResourceSampler
    from echo_tui.run.driver import RESOURCES

    section = Section(TITLE)
    with contextlib.ExitStack() as stack:
        watches: list[tuple[tuple[int, int], ResourceSampler]] = []
        for processes, threads in CREWS:
            try:
                pid = stack.enter_context(crew_of(processes, threads))
            except DidNotWork as failure:
                section.failures.append(str(failure))
                continue
            resources = ResourceSampler()
            resources.watch(pid)
            watches.append(((processes, threads), resources))
        costs: dict[tuple[int, int], list[float]] = {size: [] for size, _ in watches}
        young = round(YOUNG / (RESOURCES / 1e9))
        for _ in range(young + WINDOW * effort.rounds):
            time.sleep(RESOURCES / 1e9)
            for size, resources in watches:
                begun = time.thread_time()
                if not resources.sample():
                    section.failures.append("a sample has given nothing")
                costs[size].append(time.thread_time() - begun)
        around = len(psutil.pids())
    for (processes, threads), spent in costs.items():
        windows = [spent[at : at + WINDOW] for at in range(young, len(spent), WINDOW)]
        first = sum(spent[1:young]) / (young - 1) / (RESOURCES / 1e9) * 100
        section.add(
            Figure(
                f"{processes} process{'es' * (processes > 1)}, {threads} thread{'s' * (threads > 1)}",
                "% of a core",
                [sum(window) / WINDOW / (RESOURCES / 1e9) * 100 for window in windows],
                Goal(2.0),
                f"{first:.1f} % in its first {YOUNG:g} s; {around} processes on the machine",
                raw=spent,
            )
        )
    return section


@contextlib.contextmanager
def crew_of(processes: int, threads: int) -> Iterator[int]:
    """Start a group of processes and wait until it is complete; yield its first pid."""
    tied, held = os.pipe()
    command = [sys.executable, "-m", "tests.bench.sampling", str(processes), str(threads), str(tied)]
    process = subprocess.Popen(command, pass_fds=(tied,), start_new_session=True)
    os.close(tied)
    try:
        _wait_for(process.pid, processes, threads)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(held)


def _wait_for(pid: int, processes: int, threads: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        root = psutil.Process(pid)
        family = [root, *root.children()]
        if len(family) == processes and sum(each.num_threads() for each in family) == threads:
            return
        time.sleep(0.02)
    raise DidNotWork(f"{processes} processes with {threads} threads did not come up")


if __name__ == "__main__":
    crew(*map(int, sys.argv[1:]))
