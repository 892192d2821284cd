"""The goroutines of a Go program with their current lines, as JSON: a separate program, run with a PID.

The memory of the process is read while it runs: no signal, no ptrace(2), no pause. A goroutine that waits or is in a
system call has saved its position; a running one has not, so it has its thread and no line, and so has one that
changes while it is read. The layout of the runtime is that of `src/runtime/runtime2.go` of Go 1.18 to 1.27, for
x86-64.
"""

import bisect
import json
import mmap
import os
import re
import resource
import struct
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from echo_tui.observers.go_tables import AMD64, WRONG, Call, ElfFile, Lines, NotGo, RuntimeLayout, named, root_of, waits
from echo_tui.observers.node_stacks import Memory

ENTRY = 9
"""AT_ENTRY of getauxval(3): the address of the program's entry once it is loaded."""
HIGHEST = 1 << 47
CHUNK, LARGEST_DATA = 1 << 20, 64 << 20
MOST, EVER = 2000, 1 << 20
"""The limits of living goroutines, and of all entries in the runtime's list; with more nothing is printed."""
DEPTH, FRAMES = 64, 32
"""The limits of frames that are walked, and of calls that are printed."""
LARGEST_STACK = 1 << 16
"""Bytes read of one stack."""
LOOKUPS = 20_000
"""Objects read to find connections, for all goroutines together."""
OBJECT = 8
"""Words read of each of these objects."""
MEMORY, SECONDS = 1 << 30, 3
"""Resource limits of this program: bytes of address space, and seconds of CPU."""
RUNNABLE, CALLING, WAITING = 1, 3, 4
"""The status of a goroutine that waits for a core, is in a system call, or waits for another thing (_Grunnable ...)."""
DEAD = (0, 6, 10, 11)
"""_Gidle, _Gdead, _Gleaked and _Gdeadextra."""
SCAN = 0x1000
"""Added to the status while the garbage collector reads the stack (_Gscan)."""
MACHINE, STACK_POINTER, COUNTER, ITSELF = 6, 7, 8, 9
"""The words of a goroutine (`type g`) with its thread, and what it has saved: `m`, `sched.sp`, `.pc` and `.g`."""
WORDS = 24
SOCKET = "socket:["


@dataclass(slots=True)
class RawGoroutine:
    """One goroutine: its thread (0: none), why it waits, and the inodes of the sockets that it refers to.

    `polls` is the inode of the socket that it waits for, and `reads` whether it waits to read.
    """

    number: int
    thread: int
    waits: str = ""
    calls: Sequence[Call] = ()
    sockets: list[int] = field(default_factory=list)
    polls: int = 0
    reads: bool = False


class Runtime:
    """The variables of the runtime in the memory of a process, found without symbols."""

    def __init__(self, memory: Memory, program: ElfFile, shift: int) -> None:
        """`shift` is the difference between the loaded and the linked address of the program."""
        self._memory, self._program, self._shift = memory, program, shift
        self.layout = RuntimeLayout.of(program.minor)

    def module(self) -> tuple[int, int]:
        """Return the addresses of the code and of the inlining trees; the module begins with the address of pclntab."""
        table = struct.pack("<Q", self._program.table[0] + self._shift)
        for begin, data in self._data():
            place = data.find(table)
            while place >= 0:
                if place % 8 == 0 and (found := self._module(begin + place)):
                    return found
                place = data.find(table, place + 8)
        raise NotGo

    def _module(self, address: int) -> tuple[int, int] | None:
        try:
            low, high, text, end = self._memory.words(address + 160, 4)
            (rodata,) = self._memory.words(address + self.layout.rodata, 1)
        except OSError:
            return None
        return (text, rodata) if text <= low < high <= end and rodata else None

    def goroutines(self) -> Sequence[int]:
        """Return the addresses of all goroutines, including dead ones: the first slice with goroutines as elements."""
        for _, data in self._data():
            words = struct.unpack_from(f"<{len(data) // 8}Q", data)
            for place in range(len(words) - 2):
                first, count, room = words[place : place + 3]
                if 0 < count <= room <= EVER and not first % 8 and 0xFFFF < first < HIGHEST and self._are(first, count):
                    return self._memory.words(first, count)
        raise NotGo

    def _are(self, first: int, count: int) -> bool:
        """Return whether these are goroutines: each of the first ones has saved its own address."""
        try:
            addresses = self._memory.words(first, min(count, 8))
            read = [self._memory.words(address, WORDS) for address in addresses if not address % 8]
        except OSError:
            return False
        are = [words[ITSELF] == address for words, address in zip(read, addresses, strict=False)]
        return len(read) == len(addresses) and all(are)

    def _data(self) -> Iterator[tuple[int, bytes]]:
        """Yield the program's variables in overlapping pieces."""
        left = LARGEST_DATA
        for address, size in self._program.writable:
            for begin in range(0, min(size, left), CHUNK):
                at = address + self._shift + begin & ~7
                try:
                    yield at, self._memory.read(at, min(CHUNK + 16, size - begin) & ~7)
                except OSError:
                    continue
            left -= min(size, left)


class SocketFinder:
    """Finds the sockets that a goroutine refers to, by pointers from its stack to the `poll.FD` of a connection."""

    def __init__(self, pid: int, memory: Memory) -> None:
        self._pid, self._memory, self._left = pid, memory, LOOKUPS
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
        found = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw.. 0+ 00:00 0 *$", maps, re.MULTILINE)
        self._spans = sorted((int(begin, 16), int(end, 16)) for begin, end in found)
        self._objects: dict[int, tuple[int, ...]] = {}

    def of(self, words: Sequence[int], leave_out: Collection[int], wrapped: bool) -> dict[int, int]:
        """Return the descriptors of sockets that these words lead to, each with the address of its poll descriptor.

        A word is the address of a `poll.FD`, of a connection, which begins with one, or, if `wrapped`, of an object
        that contains a connection.
        """
        found: dict[int, int] = {}
        for word in dict.fromkeys(words):
            if word in leave_out or not (fields := self._object(word)):
                continue
            direct = self._poll(word) or self._poll(fields[0])
            inner = fields if wrapped and not direct else ()  # only the first word: the next may be another object
            found |= direct or next((poll for each in inner if (poll := self._poll(self._first(each)))), {})
        return found

    def _first(self, address: int) -> int:
        return next(iter(self._object(address)), 0)

    def inode(self, descriptor: int) -> int:
        """Return the inode of a socket; 0 if the descriptor is no socket."""
        try:
            target = os.readlink(f"/proc/{self._pid}/fd/{descriptor}")
            return int(target[len(SOCKET) : -1]) if target.startswith(SOCKET) else 0
        except (OSError, ValueError):
            return 0

    def _object(self, address: int) -> tuple[int, ...]:
        if address not in self._objects:
            place = bisect.bisect_right(self._spans, (address, HIGHEST)) - 1
            inside = not address % 8 and place >= 0 and address + 8 * OBJECT <= self._spans[place][1]
            self._objects[address] = self._read(address) if inside else ()
        return self._objects[address]

    def _read(self, address: int) -> tuple[int, ...]:
        self._left -= 1
        try:
            return self._memory.words(address, OBJECT) if self._left > 0 else ()
        except OSError:
            return ()

    def _poll(self, address: int) -> dict[int, int]:
        """Return descriptor and poll descriptor if an object is a `poll.FD`: both have the same descriptor."""
        fields = self._object(address)
        descriptor = fields[2] if fields else 0
        polls = [poll for poll in fields[3:5] if self._object(poll)[1:2] == (descriptor,)]
        return {descriptor: polls[0]} if polls and 0 < descriptor < 1 << 20 else {}


class GoroutineReader:
    """Reads the goroutines of one process."""

    def __init__(self, pid: int, memory: Memory, runtime: Runtime, lines: Lines) -> None:
        self._pid, self._memory, self._runtime, self._lines = pid, memory, runtime, lines
        self._sockets = SocketFinder(pid, memory)
        self._threads = set(os.listdir(f"/proc/{pid}/task"))

    def read(self, address: int) -> RawGoroutine | None:
        """Return a goroutine, without calls if it runs; None if the address holds none. Raises OSError."""
        layout, words = self._runtime.layout, self._memory.words(address, WORDS)
        status = words[layout.status] & 0xFFFFFFFF & ~SCAN
        if words[ITSELF] != address or status in DEAD:
            return None
        found = RawGoroutine(words[layout.number], self._thread(words[MACHINE]))
        if status not in (RUNNABLE, CALLING, WAITING):
            return found
        stack = self._stack(words)
        found.calls = self._walk(words[COUNTER], stack)
        if status != CALLING:
            found.thread = 0
            found.waits, found.reads = waits(found.calls) if status == WAITING else ("runnable", False)
        polls = found.waits == "io-wait"
        of_runtime = {address, words[MACHINE], *range(words[0], words[1] + 8, 8)}
        for descriptor, poll in self._sockets.of(stack, of_runtime, not polls).items():
            if inode := self._sockets.inode(descriptor):
                found.sockets.append(inode)
                if polls and address in self._memory.words(poll, 12):
                    found.polls = inode
        again = self._memory.words(address, WORDS)
        same = (MACHINE, STACK_POINTER, COUNTER, layout.status, layout.number)
        if any(words[each] != again[each] for each in same):  # it has changed while it was read
            return RawGoroutine(found.number, 0)
        return found

    def _thread(self, machine: int) -> int:
        try:
            (thread,) = self._memory.words(machine + self._runtime.layout.thread, 1)
        except OSError:
            return 0
        return thread if str(thread) in self._threads else 0

    def _stack(self, words: Sequence[int]) -> tuple[int, ...]:
        low, high, pointer = words[0], words[1], words[STACK_POINTER]
        if not low < pointer <= high or pointer % 8 or high % 8:
            return ()
        return self._memory.words(pointer, min(high - pointer, LARGEST_STACK) // 8)

    def _walk(self, pc: int, stack: Sequence[int]) -> list[Call]:
        """Return the calls on a stack, innermost first."""
        calls: list[Call] = []
        place = 0
        try:
            for number in range(DEPTH):
                is_exact = not number or calls[-1].function == "runtime.asyncPreempt"
                at = pc if is_exact else pc - 1  # a return address may belong to the next line
                calls += self._lines.calls(at)
                place += self._lines.frame(at) // 8
                pc, place = stack[place], place + 1
        except WRONG:  # the outermost function has no return address
            pass
        return calls


def goroutines(pid: int) -> list[dict[str, object]]:
    """Return the goroutines of a process, in the order of the runtime's list. Raises an exception of WRONG."""
    with open(f"/proc/{pid}/exe", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        program, memory = ElfFile(lambda offset, size: data[offset : offset + size]), Memory(pid)
        if program.machine != AMD64:
            raise NotGo
        values = dict(struct.iter_unpack("<QQ", Path(f"/proc/{pid}/auxv").read_bytes()))
        runtime = Runtime(memory, program, values[ENTRY] - program.entry)
        text, rodata = runtime.module()
        _, begin, size = program.table
        lines = Lines(data[begin : begin + size], text, lambda place, size: memory.read(rodata + place, size))
        reader, found = GoroutineReader(pid, memory, runtime, lines), []
        for address in runtime.goroutines():
            try:
                one = reader.read(address)
            except OSError:
                continue
            if one:
                found.append(one)
            if len(found) > MOST:
                raise NotGo
    root = root_of(call for one in found for call in one.calls)
    return [_described(one, root) for one in found]


def _described(one: RawGoroutine, root: str) -> dict[str, object]:
    frames = [{"name": c.function, "filename": named(c, root), "line": c.line} for c in one.calls[:FRAMES]]
    return {
        "os_thread_id": one.thread, "goroutine": one.number, "waits": one.waits, "frames": frames,
        "sockets": one.sockets, "polls": one.polls, "reads": one.reads,
    }  # fmt: skip


def main() -> None:
    """Print the goroutines, or nothing if they can't be read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        print(json.dumps({"paused": 0, "threads": goroutines(int(sys.argv[1]))}))
    except (*WRONG, MemoryError, StopIteration):
        sys.exit(1)


if __name__ == "__main__":
    main()
