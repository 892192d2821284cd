"""Keep one core awake: `python -m tests.bench.spinner CORE LEASH`. Everybody else on the core comes first."""

import os
import sys

from echo_servers import leash


def main() -> None:
    """Spin until the leash hangs up."""
    core, tied = map(int, sys.argv[1:])
    leash.wear(tied, os.getpid())
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


if __name__ == "__main__":
    main()
