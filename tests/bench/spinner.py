"""Keep one core awake: `python -m tests.bench.spinner CORE LEASH`, at the lowest priority (SCHED_IDLE)."""

import os
import sys

from echo_servers import leash


def main() -> None:
    """Spin until the parent-death pipe closes."""
    core, tied = map(int, sys.argv[1:])
    leash.wear(tied, os.getpid())
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


if __name__ == "__main__":
    main()
