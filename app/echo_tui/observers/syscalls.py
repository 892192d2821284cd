"""System calls in which a thread can be seen waiting, by their numbers for each architecture.

From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (used by aarch64).
"""

import platform

X86_64 = {
    0: "read", 1: "write", 7: "poll", 16: "ioctl", 19: "readv", 20: "writev", 23: "select", 34: "pause",
    35: "nanosleep", 40: "sendfile", 42: "connect", 43: "accept", 44: "sendto", 45: "recvfrom", 46: "sendmsg",
    47: "recvmsg", 61: "wait4", 72: "fcntl", 73: "flock", 74: "fsync", 75: "fdatasync", 128: "rt_sigtimedwait",
    130: "rt_sigsuspend", 202: "futex", 230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid", 257: "openat",
    270: "pselect6", 271: "ppoll", 275: "splice", 281: "epoll_pwait", 288: "accept4", 299: "recvmmsg",
    307: "sendmmsg", 426: "io_uring_enter", 441: "epoll_pwait2", 449: "futex_waitv",
}  # fmt: skip
AARCH64 = {
    22: "epoll_pwait", 25: "fcntl", 29: "ioctl", 32: "flock", 56: "openat", 63: "read", 64: "write", 65: "readv",
    66: "writev", 71: "sendfile", 72: "pselect6", 73: "ppoll", 76: "splice", 82: "fsync", 83: "fdatasync",
    95: "waitid", 98: "futex", 101: "nanosleep", 115: "clock_nanosleep", 133: "rt_sigsuspend", 137: "rt_sigtimedwait",
    202: "accept", 203: "connect", 206: "sendto", 207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 242: "accept4",
    243: "recvmmsg", 260: "wait4", 269: "sendmmsg", 426: "io_uring_enter", 441: "epoll_pwait2", 449: "futex_waitv",
}  # fmt: skip
NAMES = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}
ON_A_DESCRIPTOR = frozenset({
    "read", "write", "readv", "writev", "connect", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg",
    "recvmmsg", "sendmmsg", "ioctl", "fcntl", "flock", "fsync", "fdatasync",
})  # fmt: skip
"""Calls whose first argument is the descriptor that is waited for."""


def names(machine: str = "") -> dict[int, str] | None:
    """Return the calls of this architecture by number; None if its numbers are unknown."""
    return NAMES.get((machine or platform.machine()).lower())
