"""Workers: threads and processes that accept connections, named and reported when they start."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from echo_servers import leash
from echo_servers.descriptors import shortage
from echo_servers.ending import REFUSED, end, left, print_line
from echo_servers.server import BadRequest, Server

Work = Callable[..., None]
THREADS = 10
NOBODY_LEFT = "every worker has died"


def cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_threads(count: int, work: Work, server: Server, *args: object) -> None:
    """Start `count` worker threads that run `work(server, *args)`; they end with their process."""
    for number in range(1, count + 1):
        name = f"worker {number}"
        threading.Thread(target=_announced, args=(name, work, server, *args), name=name, daemon=True).start()


def _announced(name: str, work: Work, server: Server, *args: object) -> None:
    server.report.worker(name)
    work(server, *args)


def run_processes(count: int, work: Work, server: Server, *args: object, serves: bool = True) -> None:
    """Run `count` processes that run `work(server, *args)`, until the last of them has died.

    Each is a worker itself if it `serves`; otherwise its threads are.
    """
    owned: list[int] = []
    workers: list[BaseProcess] = []
    for number in range(1, count + 1):
        name = f"worker {number}"
        run = partial(_announced, name, work) if serves else work
        workers.append(start_process(name, owned, run, server, *args))
    while workers:
        ended = wait([each.sentinel for each in workers])
        _end_as_left()
        for dead in [each for each in workers if each.sentinel in ended]:
            workers.remove(dead)
            report_death(dead, server)
    sys.exit(NOBODY_LEFT)


def _end_as_left() -> None:
    """End the server if a worker has left a reason. Raises SystemExit or BadRequest."""
    if last := left():
        code, sentence = last
        if code == REFUSED:
            raise BadRequest(sentence)
        print_line(sentence)
        sys.exit(code)


def start_process(name: str, owned: list[int], work: Work, server: Server, *args: object) -> BaseProcess:
    """Fork a process that runs `work(server, *args)` and does not outlive this one.

    `owned` are descriptors of this process that no child may keep; its parent-death pipe is added to them.
    """
    tied, ours = os.pipe()
    owned.append(ours)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_process, args=(tied, owned, work, server, *args), name=name, daemon=True)
    process.start()
    os.close(tied)
    return process


def report_death(process: BaseProcess, server: Server) -> None:
    """Report how a process has died."""
    process.join()
    server.report.note(f"{process.name}, process {process.pid}, has died: {_ending(process.exitcode)}")


def _process(tied: int, owned: list[int], work: Work, server: Server, *args: object) -> None:
    for fd in owned:
        os.close(fd)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    leash.wear(tied, os.getpid())
    server.report.forked()
    try:
        work(server, *args)
    except (OSError, RuntimeError) as failure:
        if words := shortage(failure):
            end(REFUSED, words)
        raise


def _ending(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
