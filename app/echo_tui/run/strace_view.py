"""The view of a server's system calls: open until it is closed or strace ends."""

from echo_tui.model.observations import Observation
from echo_tui.observers.strace import Strace


class StraceView:
    """strace attached to one process, or to none."""

    def __init__(self) -> None:
        self._strace: Strace | None = None
        self._last = ""
        self.failed: str | None = None
        """The message of strace if it ended by itself, perhaps empty, until it is shown; else None."""

    @property
    def is_open(self) -> bool:
        """Whether strace is attached."""
        return self._strace is not None

    def open(self, pid: int) -> None:
        """Attach strace to a process, which slows it. Raises OSError."""
        if not self._strace:
            self._strace, self._last = Strace(pid), ""

    def close(self) -> None:
        """Detach from the process."""
        if self._strace:
            self._strace.stop()
            self._strace = None

    def read(self) -> list[Observation]:
        """Return the latest system calls. If strace has ended, the view is closed and the message of strace is kept."""
        if not self._strace:
            return []
        ended, calls = self._strace.ended, self._strace.read()
        if calls and calls.lines:
            self._last = calls.lines[-1]
        if ended and not calls:
            self.close()
            self.failed = self._last
        return [calls] if calls else []
