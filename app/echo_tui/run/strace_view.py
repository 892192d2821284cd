"""The lens on a server's system calls: open as long as somebody looks through it, and strace lives."""

from echo_tui.model.observations import Observation
from echo_tui.observers.strace import Strace


class StraceView:
    """strace on one process, or on none."""

    def __init__(self) -> None:
        self._strace: Strace | None = None
        self._last = ""
        self.failed = ""
        """What strace said when it ended by itself, until somebody has been told."""

    @property
    def is_open(self) -> bool:
        """Whether strace is attached."""
        return self._strace is not None

    def open(self, pid: int) -> None:
        """Show a process's system calls from now on, at the price of slowing it. Raises OSError."""
        if not self._strace:
            self._strace, self._last = Strace(pid), ""

    def close(self) -> None:
        """Let go of the process."""
        if self._strace:
            self._strace.stop()
            self._strace = None

    def read(self) -> list[Observation]:
        """The latest system calls; where strace has ended the lens is closed, and its last words are kept."""
        if not self._strace:
            return []
        ended, calls = self._strace.ended, self._strace.read()
        if calls and calls.lines:
            self._last = calls.lines[-1]
        if ended and not calls:
            self.close()
            self.failed = self._last or "strace has ended"
        return [calls] if calls else []
