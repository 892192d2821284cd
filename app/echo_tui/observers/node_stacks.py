"""The JavaScript functions on the stack of a Node program's main thread, as JSON: a separate program, run with a PID.

The memory of the process is only read: no signal, no inspector. A thread in a system call is read as it is; a
computing one is paused by ptrace(2) while its stack is copied, about 0.1 ms, unless `--never-pause` is given. V8
keeps no current line for a running function, so each has its first line.
"""

import ctypes
import json
import os
import re
import resource
import stat
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from echo_tui.observers.node_numbers import NoNumbers, Numbers

SEIZE, INTERRUPT, GETREGS, DETACH = 0x4206, 0x4207, 12, 17
WALL = 0x40000000
EVENT_STOP = 128
"""How ptrace(2) marks a requested stop, in the high bytes of a status."""
REGISTERS, STACK_POINTER = 27, 19
"""The number of registers of x86-64 in ptrace(2), and the index of the stack pointer."""
HIGHEST = 1 << 47
DEPTH = 12
LONGEST = 300
NESTED = 4
"""The limit of nesting of a string of strings."""
FIELDS = 24
"""The number of words read of a scope's description."""
LARGEST_STACK = 8 << 20
LARGEST_FILE = 1 << 20
MEMORY, SECONDS = 1 << 30, 3
"""Resource limits of this program: bytes of address space, and seconds of CPU."""
NOT_NOW = 3
"""The exit code if the thread would have to be paused and may not be."""
STACK = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*\[stack\]$", re.MULTILINE)


class NoStack(Exception):
    """The stack can't be read."""


class NotNow(Exception):
    """The thread would have to be paused to be read, and may not be."""


@dataclass(frozen=True)
class Copy:
    """A copy of a stack from its pointer on, its end address, and for how long (ns) the thread was paused."""

    pointer: int
    end: int
    words: tuple[int, ...]
    paused: int = 0


class Memory:
    """The memory of a process. Reading unmapped addresses raises OSError."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def read(self, address: int, size: int) -> bytes:
        """Return this many bytes."""
        if not 0 < address < HIGHEST:
            raise OSError
        data = os.pread(self._descriptor, size, address)
        if len(data) < size:
            raise OSError
        return data

    def word(self, address: int) -> int:
        """Return eight bytes as a number."""
        return int.from_bytes(self.read(address, 8), "little")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Return this many eight-byte numbers."""
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def number(self, address: int, size: int = 4) -> int:
        """Return `size` bytes as a number."""
        return int.from_bytes(self.read(address, size), "little")


def copied(pid: int, memory: Memory, may_pause: bool) -> Copy:
    """Return a copy of the stack of the main thread. Raises NoStack, NotNow, or OSError."""
    found = STACK.search(Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace"))
    if not found:
        raise NoStack
    begin, end = int(found[1], 16), int(found[2], 16)
    fields = Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()
    if fields[0] != "running":
        return _copy(memory, int(fields[-2], 16), begin, end)
    if not may_pause or os.uname().machine != "x86_64":
        raise NotNow
    return _paused(pid, memory, begin, end)


def _copy(memory: Memory, pointer: int, begin: int, end: int, paused: int = 0) -> Copy:
    pointer &= ~7
    if not begin <= pointer < end or end - pointer > LARGEST_STACK:
        raise NoStack
    data = memory.read(pointer, end - pointer)
    return Copy(pointer, end, struct.unpack(f"<{len(data) // 8}Q", data), paused)


def _paused(pid: int, memory: Memory, begin: int, end: int) -> Copy:
    """Pause a running thread and return a copy of its stack. The thread continues if this process dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    registers = (ctypes.c_ulonglong * REGISTERS)()
    if libc.ptrace(SEIZE, pid, None, None):
        raise NoStack
    since, on_its_way = time.monotonic_ns(), 0
    """A signal that was about to be delivered; it is delivered when the thread continues."""
    try:
        if libc.ptrace(INTERRUPT, pid, None, None):
            raise NoStack
        status = os.waitpid(pid, WALL)[1]
        if os.WIFSTOPPED(status) and status >> 16 != EVENT_STOP:
            on_its_way = os.WSTOPSIG(status)
        if libc.ptrace(GETREGS, pid, None, ctypes.addressof(registers)):
            raise NoStack
        copy = _copy(memory, registers[STACK_POINTER], begin, end)
    finally:
        libc.ptrace(DETACH, pid, None, on_its_way)
    return Copy(copy.pointer, copy.end, copy.words, time.monotonic_ns() - since)


class Heap:
    """The objects of V8 in the memory of a process; a reference to one is odd."""

    def __init__(self, memory: Memory, numbers: Numbers) -> None:
        self._memory, self._numbers = memory, numbers

    def functions(self, copy: Copy) -> Iterator[int]:
        """Yield the functions of the frames of a stack, innermost first."""
        offset = self._numbers["off_fp_function"] // 8
        for place in range(-offset, len(copy.words) - 1):
            above, function = copy.words[place], copy.words[place + offset]
            is_frame = copy.pointer + 8 * place < above < copy.end and not above % 8
            if is_frame and function & 3 == 1 and self._type(function) in self._numbers.functions:
                yield function

    def described(self, function: int) -> tuple[str, str, int]:
        """Return the name of a function, its file, and the offset of its first character there; -1 if unknown."""
        shared = self._field(function, "class_JSFunction__shared__SharedFunctionInfo")
        named = self._field(shared, "class_SharedFunctionInfo__name_or_scope_info__Object")
        script = self._field(shared, "class_SharedFunctionInfo__script_or_debug_info__HeapObject")
        name, begin = (self._text(named) if named & 1 else None), -1
        if named & 1 and name is None:
            name, begin = self._of_scope(named)
        try:
            file = self._text(self._field(script, "class_Script__name__Object"))
        except OSError:
            file = None
        return name or "", file or "", begin

    def _of_scope(self, scope: int) -> tuple[str | None, int]:
        """Return the name and the first character from a scope's description, where they follow the locals."""
        fields = struct.unpack(f"<{FIELDS}Q", self._memory.read(scope - 1 + 8, 8 * FIELDS))
        name, first = None, 3 + 2 * (_small(fields[2]) or 0)
        for place in range(first, FIELDS - 2):
            if fields[place] & 1 and name is None and self._type(fields[place]) < self._text_types:
                name = self._text(fields[place])
            begin, end = _small(fields[place]), _small(fields[place + 1])
            if begin is not None and end is not None and 0 <= begin < end:
                return name, begin
        return name, -1

    @property
    def _text_types(self) -> int:
        return self._numbers.get("FirstNonstringType", 128)

    def _field(self, reference: int, name: str) -> int:
        return self._memory.word(reference - 1 + self._numbers[name])

    def _type(self, reference: int) -> int:
        """Return the type code of an object; a code that no type has if there is no object."""
        try:
            described = self._memory.word(reference - 1)
            return self._memory.number(described - 1 + self._numbers["class_Map__instance_type__uint16_t"], 2)
        except OSError:
            return 1 << 16

    def _text(self, reference: int, nested: int = 0) -> str | None:
        """Return a string; None if the object is no string."""
        kind = self._type(reference)
        if kind >= self._text_types or nested > NESTED:
            return None
        numbers = self._numbers
        shape = kind & numbers["StringRepresentationMask"]
        if shape == numbers["ThinStringTag"]:
            return self._text(self._field(reference, "class_ThinString__actual__String"), nested + 1)
        if shape == numbers["ConsStringTag"]:
            parts = ("class_ConsString__first__String", "class_ConsString__second__String")
            return "".join(self._text(self._field(reference, part), nested + 1) or "" for part in parts)
        if shape != numbers.get("SeqStringTag", 0):
            return None
        length = self._memory.number(reference - 1 + numbers["class_String__length__int32_t"])
        narrow = kind & numbers["StringEncodingMask"] == numbers["OneByteStringTag"]
        chars = numbers["class_SeqOneByteString__chars__char" if narrow else "class_SeqTwoByteString__chars__char"]
        data = self._memory.read(reference - 1 + chars, min(length, LONGEST) * (1 if narrow else 2))
        return data.decode("latin-1" if narrow else "utf-16-le", "replace")


def _small(word: int) -> int | None:
    """Return a small integer of V8; None if the word is a reference."""
    number: int = struct.unpack("<i", struct.pack("<I", word >> 32))[0]
    return None if word & 1 else number


def first_line(pid: int, file: str, begin: int) -> int:
    """Return the line of a character offset in a file of the process; 0 if the file can't be read or is too large.

    The process names the file, so it may be a device or a pipe.
    """
    path = f"/proc/{pid}/root{file}"
    try:
        if begin < 0 or not stat.S_ISREG(os.stat(path).st_mode):
            return 0
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as source:
            status = os.fstat(descriptor)
            data = source.read(LARGEST_FILE) if stat.S_ISREG(status.st_mode) else b""
    except OSError:
        return 0
    text = data.decode("utf-8", "replace")
    return text[:begin].count("\n") + 1 if begin < len(text) else 0


def stacks(pid: int, may_pause: bool) -> dict[str, object]:
    """Return the stack of the main thread, in the form of py-spy. Raises NoStack, NotNow, NoNumbers or OSError."""
    numbers, memory = Numbers(f"/proc/{pid}/exe"), Memory(pid)
    copy = copied(pid, memory, may_pause)
    heap, frames = Heap(memory, numbers), []
    for function in heap.functions(copy):
        try:
            name, file, begin = heap.described(function)
        except OSError:
            continue
        if file not in ("", "undefined"):
            path = file.removeprefix("file://")
            line = first_line(pid, path, begin) if path.startswith("/") else 0
            frames.append({"name": name or "(anonymous)", "filename": path, "line": line})
        if len(frames) == DEPTH:
            break
    return {"paused": copy.paused, "threads": [{"os_thread_id": pid, "frames": frames}] if frames else []}


def main() -> None:
    """Print the stacks, or nothing if they can't be read."""
    pid, may_pause = int(sys.argv[1]), "--never-pause" not in sys.argv
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        print(json.dumps(stacks(pid, may_pause)))
    except NotNow:
        sys.exit(NOT_NOW)
    except (NoStack, NoNumbers, OSError, ValueError, IndexError, MemoryError, struct.error):
        sys.exit(1)


if __name__ == "__main__":
    main()
