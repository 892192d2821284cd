"""What is said of evidence: its kinds and sources, why one is missing, and what would bring it; by code."""

from echo_tui.words import translated

KINDS = {
    "resources": "CPU and memory",
    "system-calls": "system calls",
    "descriptors": "process {pid}: descriptors",
    "calls-of": "process {pid}: system calls",
    "polled": "process {pid}: polled sockets",
    "lines": "process {pid}: lines of code",
}
SOURCES = {
    "records": "our own patterns report over a pipe",
    "threads": "/proc/PID/task/TID/syscall and schedstat",
    "stacks": "py-spy, for Python programs that are not ours",
    "node": "its memory: functions and their first lines",
    "go": "its memory: goroutines that wait or are in a system call, and their lines",
}
MISSING = {
    "no-strace": "strace is not installed",
    "no-language": "it is no Python, Node, Go or Java: only its threads and system calls are shown",
    "no-jcmd": "jcmd is not installed, or this Java machine does not answer it",
    "no-py-spy": "py-spy is not installed",
    "no-handler": "no handler in that process, and py-spy is not installed",
    "no-linux": "only Linux has sock_diag",
    "no-sock-diag": "this system has no sock_diag: {detail}",
    "refused": "the kernel refuses: {detail}",
    "no-proc": "this system has no /proc",
    "no-numbers": "the system call numbers of {detail} are not known here",
    "no-tgkill": "this system has no tgkill: no single thread can be asked",
    "no-cores": "this system does not show its cores: {detail}",
    "not-shown": "this system does not show system calls: {detail}",
    "not-of-others": "this system does not let one see another process's system calls",
    "no-permission": "no permission",
    "no-trace": "the kernel lets only root trace a foreign process (ptrace_scope {detail})",
    "not-run": "{name} can't be run: {detail}",
}
FIXES = {
    "no-strace": "install strace with the system's packages",
    "no-jcmd": "install a JDK of its version",
    "no-py-spy": "pip install py-spy",
    "no-linux": "run it on Linux",
    "no-proc": "run it on Linux",
    "refused": "load the module inet_diag, or run as root",
    "not-shown": "a kernel with CONFIG_HAVE_ARCH_TRACEHOOK",
    "no-permission": "run as the same user, or with CAP_SYS_PTRACE",
    "no-trace": "run as root, with CAP_SYS_PTRACE, or sysctl kernel.yama.ptrace_scope=0",
}


def kind(code: str, pid: int = 0) -> str:
    """Return the name of a kind of evidence, perhaps of a process; the code itself if it needs no other name."""
    return translated(KINDS.get(code, code)).format(pid=pid)


def source(code: str) -> str:
    """Return where a kind of evidence comes from; the code itself if that is a name."""
    return translated(SOURCES.get(code, code))


def missing(code: str, detail: object = "", name: str = "") -> str:
    """Return why a kind of evidence can't be had."""
    return translated(MISSING[code]).format(detail=detail, name=name)


def fix(code: str) -> str:
    """Return what would bring a kind of evidence; empty if nothing does."""
    return translated(FIXES[code]) if code in FIXES else ""
