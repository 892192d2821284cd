"""Which evidence can be had here, and of one server: what is there, what is missing, and what would bring it."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from echo_tui.observers import foreign_stacks, strace, syscalls
from echo_tui.observers.sock_diag import Diag
from echo_tui.observers.targets import Target

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
"""Who may trace whom (Yama): 0 any process of the same user, 1 only descendants, 2 only root, 3 nobody."""

ALLOWED = "run as root, with CAP_SYS_PTRACE, or sysctl kernel.yama.ptrace_scope=0"


class Evidence(msgspec.Struct):
    """One kind of evidence; `missing` says why it can't be had, and `fix` what would bring it; both empty if it can."""

    name: str
    source: str
    missing: str = ""
    fix: str = ""

    @property
    def there(self) -> bool:
        """Whether it can be had."""
        return not self.missing


def of_machine() -> Iterator[Evidence]:
    """Yield what this machine offers for servers of the same user."""
    yield Evidence("records", "our own patterns report over a pipe")
    yield _sockets()
    yield _threads()
    yield _stacks()
    yield Evidence("CPU and memory", "psutil")
    installed = strace.is_installed()
    missing = "" if installed else "strace is not installed"
    yield Evidence("system calls", "strace", missing, "" if installed else "install strace with the system's packages")


def of_target(target: Target) -> Iterator[Evidence]:
    """Yield what can be had of one server."""
    for pid in target.pids:
        name = f"process {pid}"
        yield _readable(f"{name}: descriptors", f"/proc/{pid}/fd", os.listdir)
        yield _readable(
            f"{name}: system calls", f"/proc/{pid}/task/{pid}/syscall", lambda path: Path(path).read_bytes()
        )
        yield _readable(f"{name}: polled sockets", f"/proc/{pid}/mem", lambda path: open(path, "rb").close())
        yield _lines(name, pid)


def _lines(name: str, pid: int) -> Evidence:
    """Return whether the lines, or functions, of a process can be told."""
    kind, name, stacks = foreign_stacks.kind_of(pid), f"{name}: lines of code", _stacks()
    if kind == "node":
        return Evidence(name, "its memory: functions and their first lines", _scope(), ALLOWED if _scope() else "")
    if kind == "jcmd":
        there = foreign_stacks.reader_of(pid, may_hold=True) is not None
        missing = "" if there else "jcmd is not installed, or this Java machine does not answer it"
        return Evidence(name, "jcmd", missing, "" if there else "install a JDK of its version")
    is_python = "python" in os.path.realpath(f"/proc/{pid}/exe")
    missing = "" if is_python else "it is no Python, Node or Java: only its threads and system calls are shown"
    return Evidence(name, "py-spy", missing or stacks.missing, "" if missing else stacks.fix)


def _sockets() -> Evidence:
    source = "sock_diag(7)"
    if not sys.platform.startswith("linux"):
        return Evidence("sockets", source, "only Linux has sock_diag", "run it on Linux")
    try:
        Diag().close()
    except OSError as error:
        return Evidence("sockets", source, f"the kernel refuses: {error}", "load the module inet_diag, or run as root")
    return Evidence("sockets", source)


def _threads() -> Evidence:
    source = "/proc/PID/task/TID/syscall and schedstat"
    if not os.path.exists("/proc/self/task"):
        return Evidence("threads", source, "this system has no /proc", "run it on Linux")
    if syscalls.names() is None:
        return Evidence("threads", source, f"the system call numbers of {platform.machine()} are not known here")
    try:
        Path("/proc/self/syscall").read_bytes()
    except OSError as error:
        return Evidence("threads", source, str(error.strerror), "a kernel with CONFIG_HAVE_ARCH_TRACEHOOK")
    return Evidence("threads", source)


def _stacks() -> Evidence:
    source = "py-spy, for Python programs that are not ours"
    if foreign_stacks.py_spy() is None:
        return Evidence("stacks", source, "py-spy is not installed", "pip install py-spy")
    return Evidence("stacks", source, _scope(), ALLOWED if _scope() else "")


def _scope() -> str:
    """Return why the memory of a foreign process can't be read; empty if it can."""
    try:
        scope = int(SCOPE.read_text())
    except (OSError, ValueError):
        scope = 0
    return f"the kernel lets only root trace a foreign process (ptrace_scope {scope})" if scope and os.geteuid() else ""


def _readable(name: str, path: str, read: Callable[[str], object]) -> Evidence:
    try:
        read(path)
    except PermissionError:
        return Evidence(name, path, "no permission", "run as the same user, or with CAP_SYS_PTRACE")
    except OSError as error:
        return Evidence(name, path, str(error.strerror))
    return Evidence(name, path)
