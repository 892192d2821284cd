"""The live system calls of a server, by strace(1): a lens to switch on, for it stops the server at each call."""

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
"""Seconds for strace to let go of the server before it is killed."""
SHOWN = 100
"""Calls of one look that are kept, the latest ones."""
LINE = 300
"""Characters of a call that are kept."""
TAKEN = 1 << 19
"""Bytes taken at one look: more than strace writes meanwhile, so that it never has to wait, and the server with it."""
SIGNAL = f"--- {signal.SIGUSR1.name} "
CALL = re.compile(r"(?:\[pid +(\d+)\] )?(?:<\.\.\. )?(\w+|--- \w+ )")
"""The thread that a line is of, if it says so, and the call, or the signal, that it is about."""
OURS = frozenset({"write", "rt_sigaction", "gettid", "getpid", "tgkill", "rt_sigreturn", SIGNAL})
"""What a thread calls to write its stack for us (`echo_servers/stacks.py`), between the signal and rt_sigreturn."""


class Looks:
    """Our own looks at the stacks, which are no doing of the server's: from the signal to the return from it."""

    def __init__(self) -> None:
        self._under: set[str] = set()
        """The threads that answer a look now, by their numbers as strace has them; "" for the only one there is."""

    def without(self, lines: list[str]) -> list[str]:
        """What the server does by itself, of these lines."""
        if not self._under and not any(SIGNAL in line for line in lines):
            return lines
        return [line for line in lines if not self._take(line)]

    def covers(self, line: str) -> bool:
        """Whether a line, perhaps without its end, is of a look."""
        found = CALL.match(line)
        return bool(found and (found[1] or "") in self._under and found[2] in OURS)

    def _take(self, line: str) -> bool:
        """Whether it is of a look; one that came to an end in lines that were lost ends with another call."""
        if not (found := CALL.match(line)):
            return False
        thread, call = found[1] or "", found[2]
        if call == SIGNAL:
            self._under.add(thread)
        ours = self.covers(line)
        if not ours or call == "rt_sigreturn":
            self._under -= {thread, ""} if thread else self._under  # the number comes and goes with other threads
        return ours


def is_installed() -> bool:
    """Whether there is a strace to be had."""
    return shutil.which("strace") is not None


class Strace:
    """strace attached to a process with all its threads and the processes that it starts. Raises OSError."""

    def __init__(self, pid: int) -> None:
        read, write = make_pipe()
        # Where nobody reads, strace loses lines rather than wait, for the server would wait with it.
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
        self._looks = Looks()

    def read(self) -> SystemCalls | None:
        """The calls since the last look, how many, and the one that has not returned; None if nothing is new.

        strace writes a call's name and what it was given as it begins, and its end when it returns: what the server
        waits in is a line without an end. What it does for our looks at its stacks is left out.
        """
        lines = self._looks.without(self._pipe.read(TAKEN).decode(errors="replace").splitlines())
        begun = self._pipe.begun[:LINE].decode(errors="replace")
        begun = "" if self._looks.covers(begun) else begun
        if not lines and begun == self._begun:
            return None
        self._begun = begun
        shown = [line[:LINE] for line in lines[-SHOWN:]]
        return SystemCalls(time.monotonic_ns(), shown, len(lines), begun)

    @property
    def ended(self) -> bool:
        """Whether strace is gone: it could not be attached, or the server has ended."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Let go of the server."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe.close()
