"""The parameters of every cell, as its reports repeat them."""

from dataclasses import asdict, dataclass

from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.experiments.cell import HALF, MS, NOTICED, TIMES

STEP = 0.02
"""Seconds between two turns."""
SAMPLE = 0.5
"""Seconds between two samples of CPU and memory."""
PATIENCE = 10.0
"""Seconds for what should happen at once, before a cell is given up."""
SETTLES = 0.4
"""Seconds that clients ping before the block, for comparison."""
UNSERVED_AFTER = 0.5
"""Seconds after which a client without any echo counts as not served."""
SIZE = 64
"""Bytes of a ping."""
SOONEST = 0.25
"""When the newcomer comes, as a share of the block."""
PROCESSES = 2
"""The number of processes where each serves several clients: so few that clients share them."""
MOST = 16
"""The most clients that are connected until one shares its process with others."""


@dataclass(frozen=True)
class CellParameters:
    """The parameters of a cell."""

    seconds: float = 1.0
    """The length of the block."""
    clients: int = 3
    """The number of others that ping."""
    rate: float = 50.0
    """Pings a second of each."""

    @property
    def pool_workers(self) -> int:
        """Return the workers of a pool: one for each client, so that nobody waits for a free one."""
        return self.clients + 2


def all_parameters(parameters: CellParameters) -> dict[str, float]:
    """Return all parameters of measuring and judging; times are in seconds unless the name says otherwise."""
    return {
        **asdict(parameters),
        "size": SIZE,
        "pool_workers": parameters.pool_workers,
        "shared_processes": PROCESSES,
        "clients_to_share_at_most": MOST,
        "unserved_after": UNSERVED_AFTER,
        "settles": SETTLES,
        "newcomer_after_share": SOONEST,
        "looks_every": STEP,
        "samples_every": SAMPLE,
        "patience": PATIENCE,
        "stopped_from_share": HALF,
        "slowed_by_ms": NOTICED / MS,
        "slowed_times": TIMES,
        "stall_after_ms": THRESHOLD / MS,
    }
