"""How every cell of the matrix is measured and judged, in numbers that its reports repeat."""

from dataclasses import asdict, dataclass

from echo_tui.diagnosis.stalls import THRESHOLD
from echo_tui.experiments.cell import HALF, MS, NOTICED, TIMES

STEP = 0.02
"""Seconds between two looks at what has happened."""
SAMPLE = 0.5
"""Seconds between two samples of CPU and memory."""
PATIENCE = 10.0
"""Seconds for what must come at once, before a cell is given up."""
SETTLES = 0.4
"""Seconds that clients ping before the block, to tell how it is without one."""
UNSERVED_AFTER = 0.5
"""Seconds after which a client without any echo counts as not served."""
SIZE = 64
"""Bytes of a ping."""
SOONEST = 0.25
"""When the newcomer comes: after this share of the block."""
PROCESSES = 2
"""How many there are where each serves several clients: so few that the clients share them."""
MOST = 16
"""Clients that are connected at most until one shares its process with others."""


@dataclass(frozen=True)
class Terms:
    """How every cell is measured."""

    seconds: float = 1.0
    """How long the block lasts."""
    clients: int = 3
    """How many others ping."""
    rate: float = 50.0
    """Pings a second of each."""

    @property
    def pool_workers(self) -> int:
        """Return the workers of a pool: one for each client, so that nobody waits for a free one."""
        return self.clients + 2


def parameters(terms: Terms) -> dict[str, float]:
    """All numbers that say how a cell is measured and judged; times are in seconds unless the name says otherwise."""
    return {
        **asdict(terms),
        "size": SIZE,
        "pool_workers": terms.pool_workers,
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
