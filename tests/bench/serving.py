"""What watching costs a server: echo round trips with and without reports, and with printing."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from unittest.mock import patch

from echo_servers.catalog import BY_NAME, PATTERNS, Pattern
from echo_tui.run.live import Live

from tests.bench.figures import DidNotWork, Effort, Figure, Goal, Section
from tests.bench.load import SETTLE, WARM_UP
from tests.bench.machine import awake
from tests.bench.watching import COMPARED, VARIANTS, Metered, Run, Watched, attend, begin, open_live

TITLE = "Echoes of 64 bytes, watched / unwatched"
SLICES = {1: 10, 10: 20}
"""The number of clients, and in how many slices a server is measured with so many."""
SLICE = 0.04
"""The length of a slice (s): the shorter, the less the machine changes between two that are compared."""
GOAL = Goal(0.90, least=True)
SERVERS = 8
"""New servers of each variant, since two servers of the same code may differ, by where their memory lies."""
READ = 3
"""Of how many of them the reading is measured."""

MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 24), "MALLOC_TRIM_THRESHOLD_": str(1 << 25)}
"""Keeps glibc from returning memory to the system, in all servers alike (mallopt(3)).

asyncio allocates 256 KiB for each recv; whether glibc maps and unmaps that each time depends on the state of the
heap, and makes one server twice as fast as another of the same kind.
"""
SERVING = tuple(pattern.name for pattern in PATTERNS if pattern.serves)


@dataclass(frozen=True)
class Slice:
    """One server, measured for a short time."""

    rate: float
    cpu: float
    served: int
    load: float

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Slice":
        """Convert a result of the load generator: echoes per second, CPU per echo (us), and its own share of a core."""
        echoes, seconds = told["echoes"], told["seconds"]
        if not echoes:
            raise DidNotWork("not one echo has come back")
        return cls(echoes / seconds, told["server_cpu"] / echoes * 1e6, told["served"], told["load_cpu"] / seconds)


@dataclass
class Round:
    """New servers of one pattern, each measured in several slices."""

    slices: dict[str, list[Slice]]

    def ratio(self, variant: str, name: str = "rate") -> float:
        """Return the median ratio of a variant to the unwatched server in the same slice."""
        ratios: list[float] = [
            getattr(one, name) / getattr(other, name)
            for one, other in zip(self.slices[variant], self.slices["unwatched"], strict=True)
        ]
        return statistics.median(ratios)

    def median(self, variant: str, name: str) -> float:
        """Return the median over the slices of a variant."""
        values: list[float] = [getattr(each, name) for each in self.slices[variant]]
        return statistics.median(values)


def measure(effort: Effort, patterns: Sequence[str] = SERVING) -> Section:
    """Measure every serving pattern with one client and with ten."""
    section = Section(TITLE)
    live = open_live()
    try:
        with awake() as helped, patch.dict(os.environ, MEMORY):
            for name in patterns:
                try:
                    _pattern(section, BY_NAME[name], live, effort)
                except (DidNotWork, OSError, subprocess.SubprocessError) as failure:
                    section.failures.append(f"{name}: {failure}")
    finally:
        live.close()
    if not helped:
        section.notes.append("Cores can't be kept awake here: with one client it is their waking up that is measured.")
    return section


def _pattern(section: Section, pattern: Pattern, live: Live, effort: Effort) -> None:
    rounds: dict[int, list[Round]] = {count: [] for count in SLICES}
    lost, reading = 0, list[float]()
    for number in range(effort.count(SERVERS, 2)):
        servers: dict[str, Run] = {}
        try:
            for variant in VARIANTS if not number else COMPARED:
                servers[variant] = begin(variant, pattern, live)
            for count, slices in SLICES.items():
                rounds[count].append(_round(servers, count, effort.count(slices, 3)))
            if number < effort.count(READ, 1):
                reading.append(_reading(servers["watched"], effort))
        finally:
            for server in servers.values():
                lost += server.stop()
    for count in SLICES:
        section.add(_figure(pattern, count, rounds[count], lost))
    section.add(Figure(f"{pattern.name}, reading", "% of a core", reading, Goal(1.0)))


def _round(servers: dict[str, Run], clients: int, slices: int) -> Round:
    watched = servers["watched"]
    assert isinstance(watched, Watched)
    known = watched.echoes
    told = _load(list(servers.values()), clients, slices, SLICE)
    watched.read()
    for variant, server in zip(servers, told, strict=True):
        if variant == "watched" and watched.echoes - known < server["total"]:
            raise DidNotWork(f"{server['total']:,} echoes, and the session knows of {watched.echoes - known:,}")
    return Round({v: [Slice.of(s) for s in server["slices"]] for v, server in zip(servers, told, strict=True)})


def _reading(watched: Run, effort: Effort) -> float:
    """Return what percent of a core it takes to read and fold the reports of a saturated server."""
    metered = Metered(watched)
    (told,) = _load([metered], max(SLICES), 1, effort.seconds(2.0, 1.0))
    loaded: float = WARM_UP + sum(SETTLE + each["seconds"] for each in told["slices"])
    return metered.used / loaded * 100


def _load(servers: list[Run], clients: int, slices: int, seconds: float) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.bench.load", "--clients", str(clients)]
    command += ["--slices", str(slices), "--seconds", str(seconds)]
    command += [f"{server.port}:{server.pid}" for server in servers]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        attend(servers, job)
        out, err = job.communicate()
    except BaseException:
        job.kill()
        job.communicate()
        raise
    if job.returncode:
        lines = err.decode(errors="replace").strip().splitlines()
        raise DidNotWork(f"the load ended with {job.returncode}: {lines[-1] if lines else 'it said nothing'}")
    told: list[dict[str, Any]] = json.loads(out)
    return told


def _figure(pattern: Pattern, clients: int, rounds: list[Round], lost: int) -> Figure:
    def middle(variant: str, name: str) -> float:
        return statistics.median(each.median(variant, name) for each in rounds if variant in each.slices)

    served = round(middle("watched", "served"))
    who = "1 client" if clients == 1 else f"{clients} clients" + (f", {served} served" if served < clients else "")
    printed = rounds[0].ratio("printed")
    note = (
        f"{middle('unwatched', 'rate'):,.0f}/s unwatched; CPU us an echo {middle('unwatched', 'cpu'):.1f}, "
        f"watched {middle('watched', 'cpu'):.1f}, printing {middle('printed', 'cpu'):.1f}; "
        f"printing {printed:.2f} of unwatched; lost {lost:,}"
    )
    return Figure(
        f"{pattern.name}, {who}",
        "",
        [each.ratio("watched") for each in rounds],
        GOAL,
        note,
        raw=[asdict(each) for each in rounds],
    )
