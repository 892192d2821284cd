"""Random traffic on every pattern that serves, compared with the clients' own clocks: `make fuzz`."""

import argparse
import sys

from echo_servers.catalog import PATTERNS

from tests.fuzz.run import run

SERVING = [pattern.name for pattern in PATTERNS if pattern.serves and not pattern.missing]


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
            faults, session, worst = run(pattern, int(seed), asked.seconds)
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
