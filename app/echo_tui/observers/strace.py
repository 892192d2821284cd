"""The live system calls of a server, by strace(1), which stops the server at each call."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

from echo_tui.model.observations import SystemCalls
from echo_tui.observers.pipe import LinePipe, make_pipe

GRACE = 1.0
"""Seconds for strace to detach from the server before it is killed."""
SHOWN = 100
"""The number of calls kept of one sample, the latest ones."""
LINE = 300
"""The number of characters kept of a call."""
MOST_READ = 1 << 19
"""Bytes read in one sample: more than strace writes meanwhile, so that strace, and with it the server, never waits."""
SIGNAL = f"--- {signal.SIGUSR1.name} "
CALL = re.compile(r"(?:\[pid +(\d+)\] )?(?:<\.\.\. )?(\w+|--- \w+ )")
"""The thread of a line, if it has one, and its call or signal."""
OURS = frozenset({"write", "rt_sigaction", "gettid", "getpid", "tgkill", "rt_sigreturn", SIGNAL})
"""The calls of a thread that writes its stack for us (`echo_servers/stacks.py`), up to rt_sigreturn."""


class StackRequests:
    """Our requests for stacks, which are not the server's own calls: from the signal to the return from its handler."""

    def __init__(self) -> None:
        self._under: set[str] = set()
        """The threads that are answering a request, by their numbers in strace's output; "" for the only thread."""

    def without(self, lines: list[str]) -> list[str]:
        """Return the lines that are not part of a request."""
        if not self._under and not any(SIGNAL in line for line in lines):
            return lines
        return [line for line in lines if not self._take(line)]

    def covers(self, line: str) -> bool:
        """Return whether a line, perhaps without its end, is part of a request."""
        found = CALL.match(line)
        return bool(found and (found[1] or "") in self._under and found[2] in OURS)

    def _take(self, line: str) -> bool:
        """Return whether a line is part of a request; a request whose end was lost ends with the next other call."""
        if not (found := CALL.match(line)):
            return False
        thread, call = found[1] or "", found[2]
        if call == SIGNAL:
            self._under.add(thread)
        ours = self.covers(line)
        if not ours or call == "rt_sigreturn":
            self._under -= {thread, ""} if thread else self._under  # strace omits the id of a single thread
        return ours


def is_installed() -> bool:
    """Return whether strace is installed."""
    return shutil.which("strace") is not None


class Strace:
    """strace attached to a process with all its threads and the processes that it starts. Raises OSError."""

    def __init__(self, pid: int) -> None:
        read, write = make_pipe()
        # Without a reader strace loses lines instead of blocking, which would block the server too.
        os.set_blocking(write, False)
        try:
            self._process = subprocess.Popen(
                ["strace", "-f", "-q", "-s", "32", "-p", str(pid)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=write, start_new_session=True,
            )  # fmt: skip
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)
        self._pipe = LinePipe(read)
        self._begun: str | None = None
        self._requests = StackRequests()

    def read(self) -> SystemCalls | None:
        """Return the calls since the last sample, their number, and the unfinished call; None if nothing is new.

        strace writes a call's name and arguments when it begins, and the rest when it returns, so the call that the
        server waits in is an incomplete line. Calls caused by our stack requests are left out.
        """
        lines = self._requests.without(self._pipe.read(MOST_READ).decode(errors="replace").splitlines())
        begun = self._pipe.begun[:LINE].decode(errors="replace")
        begun = "" if self._requests.covers(begun) else begun
        if not lines and begun == self._begun:
            return None
        self._begun = begun
        shown = [line[:LINE] for line in lines[-SHOWN:]]
        return SystemCalls(time.monotonic_ns(), shown, len(lines), begun)

    @property
    def ended(self) -> bool:
        """Whether strace has ended: it could not attach, or the server has ended."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Detach from the server."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe.close()
