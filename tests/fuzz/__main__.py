"""Random traffic on every serving pattern, compared with the clients' own clocks: `make fuzz`."""

import argparse
import contextlib
import sys

from echo_servers.catalog import PATTERNS
from echo_tui.session.session import Session

from tests.fuzz.run import run
from tests.truth.watch import Starved

TRIES = 3
SERVING = [pattern.name for pattern in PATTERNS if pattern.serves and not pattern.missing]


def judged(pattern: str, seed: int, seconds: float) -> tuple[list[str], Session, int] | None:
    """Play a seed, repeatedly if this process got too little CPU time to judge it; None if it always did."""
    for _ in range(TRIES):
        with contextlib.suppress(Starved):
            return run(pattern, seed, seconds)
    return None


def main() -> None:
    """Play each seed on each pattern; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--patterns", default=",".join(SERVING), help="names, with commas between them")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    wrong = 0
    for pattern in asked.patterns.split(","):
        for seed in asked.seeds.split(","):
            outcome = judged(pattern, int(seed), asked.seconds)
            if outcome is None:
                wrong += 1
                print(f"{pattern} seed {seed}: not judged, the machine is too busy", flush=True)
                continue
            faults, session, worst = outcome
            wrong += len(faults)
            totals = session.totals
            said = f"{totals.new:,} connections, {totals.recv_bytes:,} bytes, {session.stalls.count} stalls"
            said += f", samples {worst / 1e6:.0f} ms apart at worst"
            print(f"{pattern} seed {seed}: {said}, lost {totals.lost}: {len(faults) or 'nothing'} wrong", flush=True)
            for fault in faults[:10]:
                print(f"  {fault}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
