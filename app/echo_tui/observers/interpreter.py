"""Where a Python process keeps its GIL: the writable memory of the interpreter itself (`/proc/PID/maps`, proc(5)).

CPython's runtime state, the GIL with it, is a static variable of the program or of its shared library, so it lies in
that file's writable mapping or in the zeroed memory that follows it. A lock that a program makes lies on the heap.
"""

import re
from collections.abc import Iterator

INTERPRETER = re.compile(r"/(lib)?(python|pypy)[\d.]*[a-z]?(\.so[\d.]*)?$")


def gil_range(pid: int) -> tuple[range, ...]:
    """The address ranges in which a futex is the GIL's; empty if they are unknown."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
            return tuple(_own_data(maps.read()))
    except OSError:
        return ()


def _own_data(maps: str) -> Iterator[range]:
    last_end, ours = 0, False
    for line in maps.splitlines():
        span, rights, _, _, inode, *path = line.split(maxsplit=5)
        begin, end = (int(edge, 16) for edge in span.split("-"))
        named = bool(path and INTERPRETER.search(path[0]))
        follows = ours and begin == last_end and inode == "0" and not path
        ours, last_end = named or follows, end
        if ours and "w" in rights:
            yield range(begin, end)
