"""CPU, memory, threads and context switches of real servers, compared with the kernel's counts."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from echo_servers.records import Note, WorkerStarted
from echo_tui.model.observations import CoresSample, Observation, ProcessGone, ProcessSample, Unavailable
from echo_tui.observers import resources as resources_module
from echo_tui.observers.resources import MOST_THREADS, SHORTEST, ResourceSampler

from tests.observers.watching import LIMIT, Watched, eventually, watched

on_linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc/PID/task of Linux")


def sample(resources: ResourceSampler) -> list[Observation]:
    """Return the next sample."""
    found: list[Observation] = []

    def sampled() -> bool:
        found.extend(resources.sample())
        return bool(found)

    eventually(sampled, "a sample")
    return found


def of(found: list[Observation]) -> dict[int, ProcessSample]:
    return {o.pid: o for o in found if isinstance(o, ProcessSample)}


@pytest.fixture
def pool() -> Iterator[Watched]:
    with watched("process-thread-pool", workers=2) as server:
        server.until(WorkerStarted, 20)
        yield server


@pytest.fixture
def resources() -> ResourceSampler:
    return ResourceSampler()


def test_every_process_of_a_pool_is_sampled(pool: Watched, resources: ResourceSampler) -> None:
    resources.watch(pool.child.pid)
    first = of(sample(resources))
    workers = {worker.pid for worker in pool.all(WorkerStarted)}
    assert set(first) == {pool.child.pid, *workers}
    assert all(o.cpu is None for o in first.values()), "CPU needs a previous sample"
    assert all(first[pid].parent == pool.child.pid for pid in workers)
    assert [first[pid].threads for pid in sorted(workers)] == [11, 11]
    for pid, o in first.items():
        real = psutil.Process(pid).memory_info().rss
        assert o.rss
        assert real / 2 < o.rss < real * 2
    second = of(sample(resources))
    assert all(o.cpu is not None and o.cpu >= 0 for o in second.values())


def test_cores_are_sampled_at_a_minimum_interval(resources: ResourceSampler) -> None:
    (cores,) = sample(resources)
    assert isinstance(cores, CoresSample)
    assert len(cores.percent) == psutil.cpu_count()
    assert all(0 <= percent <= 100 for percent in cores.percent)
    assert resources.sample() == []
    (later,) = sample(resources)
    assert later.at - cores.at >= SHORTEST


def test_cpu_of_a_busy_loop(resources: ResourceSampler) -> None:
    with watched("busy-loop") as server:
        assert server.port
        resources.watch(server.child.pid)
        sample(resources)
        deadline = time.monotonic() + LIMIT
        used = 0.0
        while used < 30 and time.monotonic() < deadline:
            used = of(sample(resources))[server.child.pid].cpu or 0.0
        assert used >= 30


@on_linux
def test_context_switches_include_all_threads(resources: ResourceSampler) -> None:
    with watched("thread-pool", workers=5) as server:
        server.until(WorkerStarted, 5)
        clients = server.connect(5)
        for client in clients * 10:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        pid = server.child.pid
        resources.watch(pid)
        before = switches(pid)
        found = of(sample(resources))[pid]
        after = switches(pid)
        assert found.voluntary is not None
        assert found.involuntary is not None
        assert before[0] <= found.voluntary <= after[0]
        assert before[1] <= found.involuntary <= after[1]
        main = psutil.Process(pid).num_ctx_switches().voluntary
        assert found.voluntary > main, "worker threads switch too"
        for client in clients:
            client.close()


def switches(pid: int) -> tuple[int, int]:
    """Return the voluntary and involuntary context switches, summed over all threads."""
    sums = [0, 0]
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        sums[0] += int(fields["voluntary_ctxt_switches"])
        sums[1] += int(fields["nonvoluntary_ctxt_switches"])
    return sums[0], sums[1]


@on_linux
def test_no_context_switches_for_too_many_threads(resources: ResourceSampler) -> None:
    with watched("too-many-threads", ceiling=MOST_THREADS + 10) as server:
        server.until(Note)
        resources.watch(server.child.pid)
        found = of(sample(resources))[server.child.pid]
        assert found.threads == MOST_THREADS + 10
        assert (found.voluntary, found.involuntary) == (None, None)


def test_ended_worker_is_reported_once(pool: Watched, resources: ResourceSampler) -> None:
    resources.watch(pool.child.pid)
    sample(resources)
    victim = pool.all(WorkerStarted)[0].pid
    psutil.Process(victim).kill()
    gone: list[int] = []
    rest: set[int] = set()

    def told() -> bool:
        found = sample(resources)
        gone.extend(o.pid for o in found if isinstance(o, ProcessGone))
        rest.clear()
        rest.update(of(found))
        return bool(gone)

    eventually(told, "the worker's end")
    told()
    assert gone == [victim]
    assert rest == {pool.child.pid, *(worker.pid for worker in pool.all(WorkerStarted))} - {victim}


def test_ended_server_is_reported_with_all_processes(pool: Watched, resources: ResourceSampler) -> None:
    resources.watch(pool.child.pid)
    known = set(of(sample(resources)))
    pool.stop()
    found = sample(resources)
    assert {o.pid for o in found if isinstance(o, ProcessGone)} == known
    assert not of(found)


def test_only_cores_are_sampled_without_a_server(resources: ResourceSampler) -> None:
    resources.watch(None)
    assert [type(o) for o in sample(resources)] == [CoresSample]
    resources.watch(2**22 + os.getpid())  # no process has this pid
    assert [type(o) for o in sample(resources)] == [CoresSample]


def test_hidden_cores_are_reported_once_per_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with /proc mounted with subset=pid (proc(5)), where psutil raises the error of open."""

    def hidden(percpu: bool = False) -> list[float]:
        raise FileNotFoundError(2, "No such file or directory", "/proc/stat")

    monkeypatch.setattr(psutil, "cpu_percent", hidden)
    resources = ResourceSampler()
    with watched("thread-pool", workers=20) as server:
        server.until(WorkerStarted, 20)
        resources.watch(server.child.pid)
        found = sample(resources)
        (unseen,) = [o for o in found if isinstance(o, Unavailable)]
        assert unseen.what == "cores"
        assert "/proc/stat" in unseen.why
        assert set(of(found)) == {server.child.pid}, "other evidence is still sampled"
        assert [type(o) for o in sample(resources)] == [ProcessSample]


@on_linux
def test_processes_are_found_without_psutil(pool: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(process: psutil.Process, recursive: bool = False) -> list[psutil.Process]:
        raise FileNotFoundError(2, "No such file or directory", "/proc/stat")

    monkeypatch.setattr(psutil.Process, "children", hidden)
    monkeypatch.setattr("echo_tui.observers.resources.FEW_THREADS", 0)
    resources = ResourceSampler()
    resources.watch(pool.child.pid)
    assert set(of(sample(resources))) == {pool.child.pid, *(worker.pid for worker in pool.all(WorkerStarted))}


@on_linux
def test_process_that_ends_during_the_search_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pid is in the kernel's list of children, and then the process is gone."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    gone = psutil.Process(ended.pid)
    ended.wait()
    process = resources_module._process
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        here = child.pid
        monkeypatch.setattr(resources_module, "_process", lambda pid: gone if pid == here else process(pid))
        watcher = ResourceSampler()
        watcher.watch(os.getpid())
        assert os.getpid() in of(sample(watcher))
        assert not any(isinstance(o, ProcessGone) and o.pid == os.getpid() for o in sample(watcher))
        assert child.stdin
        child.stdin.close()
