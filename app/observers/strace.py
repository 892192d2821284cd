"""The live system calls of a server, by strace(1): a lens to switch on, for it stops the server at each call."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

from app.observers.pipe import LinePipe, make_pipe
from app.session.observations import SystemCalls

GRACE = 1.0
"""Seconds for strace to let go of the server before it is killed."""
SHOWN = 100
"""Calls of one look that are kept, the latest ones."""
LINE = 300
"""Characters of a call that are kept."""
TAKEN = 1 << 19
"""Bytes taken at one look: more than strace writes meanwhile, so that it never has to wait, and the server with it."""


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

    def read(self) -> SystemCalls | None:
        """The calls since the last look, how many, and the one that has not returned; None if nothing is new.

        strace writes a call's name and what it was given as it begins, and its end when it returns: what the server
        waits in is a line without an end.
        """
        lines = self._pipe.read(TAKEN).splitlines()
        begun = self._pipe.begun[:LINE].decode(errors="replace")
        if not lines and begun == self._begun:
            return None
        self._begun = begun
        shown = [line[:LINE].decode(errors="replace") for line in lines[-SHOWN:]]
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
