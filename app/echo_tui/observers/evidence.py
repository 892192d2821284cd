"""Which evidence is available on this machine and of one server: what is missing, and how to get it."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from echo_tui.observers import foreign_stacks, strace, syscalls
from echo_tui.observers.sock_diag import Diag
from echo_tui.observers.targets import AttachTarget
from echo_tui.words import evidence as words

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
"""Who may trace whom (Yama): 0 any process of the same user, 1 only descendants, 2 only root, 3 no process."""


class Evidence(msgspec.Struct):
    """One kind of evidence; `missing` says why it is unavailable, and `fix` how to get it; empty if it is available."""

    name: str
    source: str
    missing: str = ""
    fix: str = ""

    @property
    def there(self) -> bool:
        """Whether it is available."""
        return not self.missing


def of_machine() -> Iterator[Evidence]:
    """Yield what this machine offers for servers of the same user."""
    yield Evidence("records", words.source("records"))
    yield _sockets()
    yield _threads()
    yield _stacks()
    yield Evidence(words.kind("resources"), "psutil")
    why = "" if strace.is_installed() else "no-strace"
    yield _evidence(words.kind("system-calls"), "strace", why)


def of_target(target: AttachTarget) -> Iterator[Evidence]:
    """Yield what is available of one server."""
    for pid in target.pids:
        yield _readable(words.kind("descriptors", pid), f"/proc/{pid}/fd", os.listdir)
        calls = f"/proc/{pid}/task/{pid}/syscall"
        yield _readable(words.kind("calls-of", pid), calls, lambda path: Path(path).read_bytes())
        yield _readable(words.kind("polled", pid), f"/proc/{pid}/mem", lambda path: open(path, "rb").close())
        yield _lines(words.kind("lines", pid), pid)


def _evidence(name: str, source: str, why: str = "", detail: object = "") -> Evidence:
    """Return a kind of evidence; `why` is the code of the reason it is unavailable, empty if it is available."""
    return (
        Evidence(name, words.source(source), words.missing(why, detail), words.fix(why))
        if why
        else Evidence(name, words.source(source))
    )


def _lines(name: str, pid: int) -> Evidence:
    """Return whether the current lines, or functions, of a process can be read."""
    kind = foreign_stacks.kind_of(pid)
    if kind == "jcmd":
        return _evidence(name, "jcmd", "" if foreign_stacks.reader_of(pid, may_pause=True) else "no-jcmd")
    if kind in ("node", "go"):
        return _evidence(name, kind, *_no_trace())
    if "python" not in os.path.realpath(f"/proc/{pid}/exe"):
        return _evidence(name, "py-spy", "no-language")
    return _evidence(name, "py-spy", *_no_stacks())


def _sockets() -> Evidence:
    if not sys.platform.startswith("linux"):
        return _evidence("sockets", "sock_diag(7)", "no-linux")
    try:
        Diag().close()
    except OSError as error:
        return _evidence("sockets", "sock_diag(7)", "refused", error)
    return _evidence("sockets", "sock_diag(7)")


def _threads() -> Evidence:
    if not os.path.exists("/proc/self/task"):
        return _evidence("threads", "threads", "no-proc")
    if syscalls.names() is None:
        return _evidence("threads", "threads", "no-numbers", platform.machine())
    try:
        Path("/proc/self/syscall").read_bytes()
    except OSError as error:
        return _evidence("threads", "threads", "not-shown", error.strerror)
    return _evidence("threads", "threads")


def _stacks() -> Evidence:
    return _evidence("stacks", "stacks", *_no_stacks())


def _no_stacks() -> tuple[str, object]:
    """Return the code of why py-spy can't read stacks, with a detail; both empty if it can."""
    return ("no-py-spy", "") if foreign_stacks.py_spy() is None else _no_trace()


def _no_trace() -> tuple[str, object]:
    """Return the code of why the memory of a foreign process can't be read, with a detail; both empty if it can."""
    try:
        scope = int(SCOPE.read_text())
    except (OSError, ValueError):
        scope = 0
    return ("no-trace", scope) if scope and os.geteuid() else ("", "")


def _readable(name: str, path: str, read: Callable[[str], object]) -> Evidence:
    try:
        read(path)
    except PermissionError:
        return _evidence(name, path, "no-permission")
    except OSError as error:
        return Evidence(name, path, str(error.strerror))
    return Evidence(name, path)
