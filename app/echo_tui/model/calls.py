"""The server's system calls, while somebody watches them with strace."""

from collections import deque
from dataclasses import dataclass, field

from echo_tui.model.observations import SystemCalls

CALLS_KEPT = 500


@dataclass(slots=True)
class Calls:
    """The latest system calls as strace writes them: `kept` of `total` received, of `seen` that there were.

    `begun` is the call that has not returned, as far as strace has written it; empty if none is known.
    """

    kept: deque[str] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    total: int = 0
    seen: int = 0
    begun: str = ""

    def add(self, o: SystemCalls) -> None:
        """Append calls."""
        self.kept.extend(o.lines)
        self.total += len(o.lines)
        self.seen += o.count
        self.begun = o.begun

    def snapshot(self) -> "Calls":
        """Return a copy that no longer changes."""
        return Calls(self.kept.copy(), self.total, self.seen, self.begun)
