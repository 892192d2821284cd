"""What 20 samples of the kernel's evidence per second cost, and how soon and how accurately stalls are reported."""

import contextlib
import resource
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from echo_servers.block import BlockSetting
from echo_tui.diagnosis.stall import Stall
from echo_tui.observers.pace import OFTEN, Pace
from echo_tui.observers.sockets import SocketSampler
from echo_tui.observers.threads import ThreadSampler

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section
from tests.bench.load import PATIENCE
from tests.bench.machine import HOST, in_time_wait
from tests.bench.sampling import crew_of
from tests.truth.watch import Caller, Watch, watching

CONNECTIONS, SCALE = 2000, 10_000
THREADS = (40, 1000)
RATE = 1e9 / OFTEN
COST = Goal(3.0)
SLOWEST = Goal(5.0, least=True)
"""The lowest useful sampling rate (1/s)."""
KINDS = ("sleep", "cpu", "c-call", "c-gil")
LENGTHS = (0.2, 1.0, 5.0)


def samples(effort: Effort) -> Section:
    """Measure the CPU time of one sample, times 20 per second."""
    section = Section("The kernel's evidence, at 20 samples a second")
    for count in (CONNECTIONS, SCALE):
        with connected(count) as (host, port):
            sockets = SocketSampler()
            system = resource.getrusage(resource.RUSAGE_SELF).ru_stime
            begun = time.process_time()
            costs = _cost(effort, sockets.pace, partial(sockets.sample, port, host))
            halves = sockets._halves.count
            share = (resource.getrusage(resource.RUSAGE_SELF).ru_stime - system) / (time.process_time() - begun)
            sockets.close()
            note = f"{share:.0%} of it in the kernel; {in_time_wait():,} closed connections on the machine"
        if count == CONNECTIONS:
            section.add(Figure(f"sockets, {count:,} connections", "% of a core", costs, Goal(2.0), note))
        else:
            name = f"sockets, {count:,} connections, each read at 3 % of a core"
            section.add(Figure(name, "/s", [rate / halves for rate in _rates(costs)], SLOWEST, note))
    for count in THREADS:
        with crew_of(1, count) as pid:
            threads = ThreadSampler(lambda inode: "")
            costs = _cost(effort, threads.pace, partial(threads.sample, [pid]))
            threads.close()
        if count == THREADS[0]:
            section.add(Figure(f"threads, {count:,} of them, at rest", "% of a core", costs, COST))
        else:
            section.add(Figure(f"threads, {count:,} of them, at 3 % of a core", "/s", _rates(costs), SLOWEST))
    section.add(Figure(f"threads, {THREADS[0]} of them, all at work", "% of a core", _at_work(effort), COST))
    return section


def _rates(costs: list[float]) -> list[float]:
    """Return how many samples a second take 3 % of a core, given what 20 a second take."""
    return [min(COST.limit / cost, 1.0) * RATE for cost in costs]


@contextlib.contextmanager
def connected(count: int) -> Iterator[tuple[str, int]]:
    """Keep this many accepted, idle connections in a process of this benchmark; yield the listener's address."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=count))
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "tests.bench.external", str(port), str(count)]
        job = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        stack.callback(job.kill)
        listener.settimeout(PATIENCE)
        for _ in range(count):
            served = stack.enter_context(listener.accept()[0])
            served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave nothing behind
        try:
            yield HOST, port
        finally:
            job.kill()
            job.wait()


def _at_work(effort: Effort) -> list[float]:
    """Measure the same for a server whose threads all work, so that each sample finds every thread changed."""
    found = []
    with watching("multithread") as watch:
        watch.live.open_clients(THREADS[0] - 1)
        watch.until(lambda: watch.session.totals.new == THREADS[0] - 1, "all clients are accepted")
        watch.live.load([], 30, 64)
        assert watch.session.server
        pid, sockets = watch.session.server.pid, SocketSampler()
        threads = ThreadSampler(sockets.peer_of)
        for _ in range(effort.rounds):
            spent, samples, changed = 0.0, effort.count(60, 20), 0
            for _ in range(samples):
                watch.turn()
                sockets.pace.hurry()
                sockets.sample(watch.session.server.port, watch.session.server.host)
                threads.pace.hurry()
                began = time.process_time()
                sample = threads.sample([pid])
                spent += time.process_time() - began
                changed += len(sample.threads) if sample else 0
            found.append(spent / samples * RATE * 100)
            if changed < samples * THREADS[0] // 2:
                raise DidNotWork(f"only {changed} threads moved in {samples} samples")
        threads.close()
        sockets.close()
    return found


def _cost(effort: Effort, pace: Pace, sample: Callable[[], object]) -> list[float]:
    """Return the percentage of a core for sampling at the full rate, for each round."""
    found = []
    for _ in range(effort.rounds):
        count = effort.count(100, 30)
        spent = time.process_time()
        for _ in range(count):
            pace.hurry()
            sample()
        found.append((time.process_time() - spent) / count * RATE * 100)
    return found


def stalls(effort: Effort) -> Section:
    """Measure each kind of block in a loop: delay of the report and of the line, and error of the length."""
    section = Section("Stalls of asyncio: how soon they are told, and how truly")
    for kind in KINDS:
        told, located = [], []
        off: list[float] = []
        missed = 0
        for length in LENGTHS[: effort.count(3, 2)]:
            for _ in range(effort.rounds):
                stall, truth, threshold = _one(kind, length)
                told.append((stall.seen_at - stall.begin - threshold) / 1e6)
                if stall.located_at:
                    located.append((stall.located_at - stall.begin - threshold) / 1e6)
                else:
                    missed += 1
                off.append(abs(stall.lasted(0) / 1e6 - truth * 1e3))
        section.add(Figure(f"{kind}: told after the threshold", "ms", told, Goal(150.0), shown="p95"))
        note = f"{missed} of {len(told)} were over before" if missed else ""
        section.add(Figure(f"{kind}: its line", "ms", located, Goal(250.0), note, shown="p95"))
        section.add(Figure(f"{kind}: length, off by", "ms", off, Goal(50.0), shown="p95"))
    return section


def _one(kind: str, length: float) -> tuple[Stall, float, int]:
    """Return a stall, its true length (s) measured by the victim, and the threshold (ns)."""
    with watching("asyncio", BlockSetting(kind, length)) as watch:
        sender, other = watch.connect(), watch.connect()
        watch.until(lambda: watch.session.totals.new == 2, "both are accepted")
        _hold(watch, sender, other)
        if not watch.stalls:
            raise DidNotWork(f"{kind} of {length} s was not seen")
        stall = max(watch.stalls, key=lambda stall: stall.lasted(0))
        return stall, (other.echo_at - other.sent_at) / 1e9, watch.session.stalls.threshold


def _hold(watch: Watch, sender: Caller, other: Caller) -> None:
    watch.arm()
    sender.send()
    while not watch.session.blocks.running:
        watch.live.drain()
        time.sleep(0.001)
    watch.arm(False)
    other.send()
    while not other.listen():  # more often than the session samples, so that the measured length is exact
        time.sleep(0.001)
        if watch.is_due:
            watch.turn()
    watch.until(lambda: not watch.session.stalls.going and sender.listen(), "the end of the stall")
