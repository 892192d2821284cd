"""Measure, print one table, write JSON into bench-results/."""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench import endings, folding, foreign, idle, kernel, machine, sampling, screen, seen, serving, turns
from tests.bench.figures import Effort, Section
from tests.bench.table import table

BENCHMARKS: dict[str, Callable[[Effort], Section]] = {
    "kernel": kernel.samples,  # before others leave closed connections, through which a sample has to walk
    "watched": serving.measure,
    "attached": foreign.measure,
    "turns": turns.measure,
    "folding": folding.measure,
    "screen": screen.flood,
    "clients": screen.clients,
    "scale": screen.scale,
    "idle": idle.measure,
    "sampling": sampling.measure,
    "stalls": kernel.stalls,
    "seen": seen.measure,
    "endings": endings.measure,
}
RESULTS = Path("bench-results")
WIDTH = 150


def main() -> int:
    """Run the selected benchmarks; return 1 only if one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--patterns", nargs="+", choices=serving.SERVING, metavar="PATTERN", help="of 'watched'")
    parser.add_argument("--quick", action="store_true", help="short rounds: to see that it works")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often most are measured (5; quick: 2)")
    arguments = parser.parse_args()
    effort = Effort(max(arguments.rounds or (2 if arguments.quick else 5), 1), arguments.quick)
    machine.raise_descriptor_limit()
    chosen = dict(BENCHMARKS)
    if arguments.patterns:
        chosen["watched"] = partial(serving.measure, patterns=arguments.patterns)
    console = Console(width=WIDTH if not sys.stdout.isatty() else None)
    others = [machine.others()]
    begun = time.monotonic()
    sections: dict[str, Section] = {}
    for name, benchmark in chosen.items():
        if arguments.only and name not in arguments.only:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections[name] = _run(name, benchmark, effort)
        others.append(machine.others())
    took = time.monotonic() - begun
    console.print(table(sections.values()))
    said = ", ".join(f"{busy:.1f}" for busy in others)
    print(f"\nIt took {took:.0f} s. Cores that others used before, between and after: {said} of {machine.cores()}.")
    results = {"machine": machine.describe(), "others": others, "seconds": took, "parameters": vars(arguments)}
    path = _write(results | {"rounds": effort.rounds, "sections": {n: s.as_dict() for n, s in sections.items()}})
    print(f"All numbers: {path}")
    return int(any(section.failures for section in sections.values()))


def _run(name: str, benchmark: Callable[[Effort], Section], effort: Effort) -> Section:
    """Run one benchmark; an exception in it must not lose the figures of the others."""
    try:
        return benchmark(effort)
    except Exception as failure:
        traceback.print_exc()
        return Section(name, failures=[repr(failure)])


def _write(results: dict[str, Any]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"bench-{datetime.now():%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
