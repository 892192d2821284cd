"""The sockets that a thread polls: by its epoll set (proc(5), fdinfo), or by the array passed to poll or select."""

import contextlib
import os
import re
import struct
from collections.abc import Iterator

POLLFD = struct.Struct("=ihh")
"""struct pollfd of poll(2): descriptor, requested and returned events."""
MOST = 1024
"""The limit of descriptors read of one call."""
WATCHED = re.compile(r"^tfd:\s*(\d+)\s.*?\bino:\s*([0-9a-f]+)", re.MULTILINE)
SETS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
ARRAYS = ("poll", "ppoll")
BITS = ("select", "pselect6")


def polled(pid: int, call: str, arguments: list[int]) -> Iterator[int]:
    """Yield the inodes of the sockets that a call waits for; raises OSError if they can't be read."""
    if call in SETS and arguments:
        with open(f"/proc/{pid}/fdinfo/{arguments[0]}", encoding="ascii", errors="replace") as info:
            for _, inode in WATCHED.findall(info.read()):
                yield int(inode, 16)
    elif call in ARRAYS and len(arguments) > 1:
        data = _memory(pid, arguments[0], min(arguments[1], MOST) * POLLFD.size)
        for descriptor, _, _ in POLLFD.iter_unpack(data):
            yield _inode(pid, descriptor)
    elif call in BITS and len(arguments) > 1 and arguments[1]:
        data = _memory(pid, arguments[1], (min(arguments[0], MOST) + 7) // 8)
        for descriptor in range(min(arguments[0], MOST)):
            if data[descriptor // 8] >> descriptor % 8 & 1:
                yield _inode(pid, descriptor)


def _memory(pid: int, address: int, length: int) -> bytes:
    """Read the memory of a process, which needs the right to trace it. Raises OSError."""
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(descriptor, length, address)
    finally:
        os.close(descriptor)
    if len(data) < length:
        raise OSError("the memory ends before")
    return data


def _inode(pid: int, descriptor: int) -> int:
    with contextlib.suppress(OSError):
        target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        if target.startswith("socket:["):
            return int(target[8:-1])
    return 0
