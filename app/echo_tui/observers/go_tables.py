"""The tables in a Go program that name its code: sections, version, and pclntab, from program counter to file and line.

The formats are those of Go 1.18 and later: `src/internal/abi/symtab.go`, `src/runtime/symtab.go` and `symtabinl.go` of
its source. What is read here may be hostile: every length is bounded, and a wrong offset raises an exception of WRONG.
"""

import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

AMD64 = 62
"""e_machine of x86-64 (elf(5))."""
SECTION = struct.Struct("<IIQQQQIIQQ")
SEGMENT = struct.Struct("<IIQQQQQQ")
LOAD, WRITABLE, NOBITS = 1, 2, 8
SECTIONS, LARGEST_NAMES = 200, 1 << 16
TABLES = (".gopclntab", ".data.rel.ro.gopclntab")
"""The section of pclntab; the second name is that of a position-independent program linked by the system's linker."""
BUILD, VERSION_AT = b"\xff Go buildinf:", 32
"""How the section `.go.buildinfo` begins, and where the version is (`src/debug/buildinfo`)."""
GO118, GO120 = 0xFFFFFFF0, 0xFFFFFFF1
"""The first bytes of pclntab since Go 1.18, and since Go 1.20."""
HEADER = struct.Struct("<IBBBB8Q")
FUNCTION = struct.Struct("<IIIIIIIII")
INLINED_BY, INLINE_TREE = 2, 3
"""PCDATA_InlTreeIndex and FUNCDATA_InlTree: which calls the compiler has inlined."""
NONE = 0xFFFFFFFF
LONGEST, NESTED, STEPS = 300, 16, 100_000
STANDARD = re.compile(
    "(archive|bufio|bytes|cmp|compress|container|context|crypto|database|debug|embed|encoding|errors|expvar|flag|fmt|go|"
    "hash|html|image|index|internal|io|iter|log|maps|math|mime|net|os|path|plugin|reflect|regexp|runtime|slices|sort|"
    "strconv|strings|structs|sync|syscall|testing|text|time|unicode|unique|unsafe|weak)/"
)
"""The directories of the standard library, which a program built with -trimpath names without Go's root."""
WAITS = (
    ("internal/poll.runtime_pollWait", "io-wait"), ("time.Sleep", "sleep"), ("runtime.chanrecv", "chan-receive"),
    ("runtime.chansend", "chan-send"), ("runtime.selectgo", "select"), ("runtime.block", "select"),
    ("sync.(*RWMutex).Lock", "sync.RWMutex.Lock"), ("sync.(*RWMutex).RLock", "sync.RWMutex.RLock"),
    ("sync.(*Mutex).Lock", "sync.Mutex.Lock"), ("internal/sync.(*Mutex).Lock", "sync.Mutex.Lock"),
    ("sync.(*Mutex).lockSlow", "sync.Mutex.Lock"), ("sync.(*WaitGroup).Wait", "sync.WaitGroup.Wait"),
    ("sync.(*Cond).Wait", "sync.Cond.Wait"),
)  # fmt: skip
"""Why a goroutine waits, much as in a goroutine dump, by a function on its stack."""
READING = ("Read", "Accept", "Recv")
"""The functions of `internal/poll.(*FD)` in which a goroutine waits to read; in others it waits to write."""
WRONG = (OSError, ValueError, IndexError, KeyError, OverflowError, struct.error)
"""Exceptions that reading wrong data may raise."""
Read = Callable[[int, int], bytes]
"""Reads this many bytes at an offset or address; raises an exception of WRONG if they do not exist."""


class NotGo(ValueError):
    """It is no Go program that can be read."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call on a stack."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class RuntimeLayout:
    """The layout of one version of the runtime: words of a goroutine, and bytes of a machine and of the module."""

    status: int
    number: int
    thread: int
    rodata: int

    @classmethod
    def of(cls, minor: int) -> "RuntimeLayout":
        """Return the layout of Go 1.N. 1.23 has added syscallbp, and 1.25 has removed gobuf.ret and m._."""
        if minor < 18:
            raise NotGo
        status = 19 if minor in (23, 24) else 18
        return cls(status, status + 1, 64 if minor >= 25 else 72, 304 if minor < 20 else 320 if minor < 27 else 344)


class ElfFile:
    """The sections, the entry and the writable segments of a 64-bit ELF file."""

    def __init__(self, read: Read) -> None:
        """`read` reads the file. Raises NotGo if it is no 64-bit ELF file, or an exception of WRONG."""
        self._read = read
        head = read(0, 64)
        if head[:6] != b"\x7fELF\x02\x01":
            raise NotGo
        self.machine, _, self.entry, phoff, shoff = struct.unpack_from("<HIQQQ", head, 18)
        phentsize, phnum, shentsize, shnum, names = struct.unpack_from("<HHHHH", head, 54)
        if (phentsize, shentsize) != (SEGMENT.size, SECTION.size) or max(phnum, shnum) > SECTIONS:
            raise NotGo
        segments = SEGMENT.iter_unpack(read(phoff, phnum * SEGMENT.size))
        self.writable = [(s[3], s[6]) for s in segments if s[0] == LOAD and s[1] & WRITABLE]
        """Address and size of each segment with variables."""
        sections = list(SECTION.iter_unpack(read(shoff, shnum * SECTION.size)))
        text = read(sections[names][4], min(sections[names][5], LARGEST_NAMES))
        self.sections = {text[s[0] :].partition(b"\0")[0].decode("ascii", "replace"): s for s in sections}

    @property
    def table(self) -> tuple[int, int, int]:
        """Address, file offset and size of pclntab. Raises NotGo."""
        for name in TABLES:
            if (section := self.sections.get(name)) and section[1] != NOBITS:
                return section[3], section[4], section[5]
        raise NotGo

    @property
    def minor(self) -> int:
        """The N of the Go 1.N that built the program. Raises NotGo."""
        section = self.sections.get(".go.buildinfo")
        data = self._read(section[4], min(section[5], VERSION_AT + 64)) if section else b""
        found = re.match(rb"[^g]{0,2}go1\.(\d{1,3})", data[VERSION_AT:]) if data.startswith(BUILD) else None
        if not found:
            raise NotGo
        return int(found[1])


def is_go(pid: int) -> bool:
    """Return whether a process runs a Go program that can be read, by its section names (reads some KB)."""
    try:
        descriptor = os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        program = ElfFile(lambda offset, size: os.pread(descriptor, size, offset))
        return program.machine == AMD64 and bool(program.table) and ".go.buildinfo" in program.sections
    except WRONG:
        return False
    finally:
        os.close(descriptor)


class Lines:
    """The table pclntab: the function, file and line of a program counter, and the size of its frame."""

    def __init__(self, data: bytes, text: int, inlined: Read) -> None:
        """`text` is the address of the code; `inlined` reads inlining trees. Raises NotGo."""
        magic, _, _, self._quantum, pointer, count, _, _, *offsets = HEADER.unpack_from(data)
        if magic not in (GO118, GO120) or pointer != 8 or not 0 < count < 1 << 24:
            raise NotGo
        self._names, self._units, self._files, self._values, self._functions = offsets
        self._data, self._text, self._count, self._inlined = data, text, count, inlined
        new = magic == GO120
        self._function_size = FUNCTION.size + (8 if new else 4)
        self._tree = struct.Struct("<4xii4x" if new else "<12xii")
        """An inlined call: the offset of its name, and the position in the function that it was called from."""
        self._found: dict[int, tuple[Call, ...]] = {}

    def frame(self, pc: int) -> int:
        """Return the size (bytes) of the frame of the function at a program counter, without its return address."""
        place, entry = self._function(pc)
        return self._value(self._field(place, 4), entry, pc)

    def calls(self, pc: int) -> tuple[Call, ...]:
        """Return the calls at a program counter, the innermost first: several if the compiler has inlined some."""
        if pc not in self._found:
            self._found[pc] = tuple(self._calls(pc))
        return self._found[pc]

    def _calls(self, pc: int) -> Iterator[Call]:
        place, entry = self._function(pc)
        for _ in range(NESTED):
            number = self._value(self._field(place, 5), entry, pc)
            line = self._value(self._field(place, 6), entry, pc)
            unit = struct.unpack_from("<I", self._data, self._units + 4 * (self._field(place, 8) + number))[0]
            file = self._string(self._files + unit) if number >= 0 and unit != NONE else ""
            if (inlined := self._inlined_at(place, entry, pc)) is None:
                function = self._string(self._names + self._field(place, 1))
                yield Call(function, file, max(line, 0))
                return
            name, called_at = inlined
            yield Call(name, file, max(line, 0))
            pc = entry + called_at

    def _inlined_at(self, place: int, entry: int, pc: int) -> tuple[str, int] | None:
        """Return the name of the inlined function there, and its call position; None if none was inlined."""
        values, trees = self._field(place, 7), self._data[place + self._function_size - 1]
        if values <= INLINED_BY or trees <= INLINE_TREE:
            return None
        after = place + self._function_size
        table, tree = (
            struct.unpack_from("<I", self._data, after + 4 * number)[0] for number in (INLINED_BY, values + INLINE_TREE)
        )
        index = self._value(table, entry, pc) if table and tree != NONE else -1
        if index < 0:
            return None
        name, called_at = self._tree.unpack(self._inlined(tree + index * self._tree.size, self._tree.size))
        return self._string(self._names + name), called_at

    def _function(self, pc: int) -> tuple[int, int]:
        """Return the offset of a function's description, and its address. Raises ValueError if no function is there."""
        low, high, offset = 0, self._count, pc - self._text
        while low < high:
            middle = (low + high) // 2
            if struct.unpack_from("<I", self._data, self._functions + 8 * middle)[0] <= offset:
                low = middle + 1
            else:
                high = middle
        end = struct.unpack_from("<I", self._data, self._functions + 8 * self._count)[0]
        if not low or not 0 <= offset < end:
            raise ValueError("no function is there")
        entry, place = struct.unpack_from("<II", self._data, self._functions + 8 * (low - 1))
        return self._functions + place, self._text + entry

    def _field(self, place: int, number: int) -> int:
        """Return a field of a function: 1 name, 4 frame, 5 file, 6 line, 7 count of further tables, 8 unit."""
        found: int = struct.unpack_from("<I", self._data, place + 4 * number)[0]
        return found

    def _value(self, table: int, entry: int, pc: int) -> int:
        """Return the value at a program counter in a table of differences; -1 if it has none."""
        place, value, reached = self._values + table, -1, entry
        for number in range(STEPS):
            difference, place = self._varint(place)
            if not difference and number:
                break
            value += (difference >> 1) ^ -(difference & 1)
            step, place = self._varint(place)
            reached += step * self._quantum
            if pc < reached:
                return value
        return -1

    def _varint(self, place: int) -> tuple[int, int]:
        found = shift = 0
        while shift < 35:
            byte = self._data[place]
            place, found, shift = place + 1, found | (byte & 127) << shift, shift + 7
            if byte < 128:
                return found, place
        raise ValueError("a number is too long")

    def _string(self, place: int) -> str:
        """Return a zero-terminated string without control characters."""
        data = self._data[place : place + LONGEST].partition(b"\0")[0]
        return "".join(char if char.isprintable() else "?" for char in data.decode("utf-8", "replace"))


def root_of(calls: Iterable[Call]) -> str:
    """Return the directory of the standard library, from the function in which goroutines park; empty if trimmed."""
    file = next((call.file for call in calls if call.function == "runtime.gopark"), "")
    return file.removesuffix("runtime/proc.go")


def named(call: Call, root: str) -> str:
    """Return the file of a call, prefixed with `go:` if it belongs to a library that its directory does not show.

    A program built with -trimpath names the standard library without Go's directory, which is `root`.
    """
    file = call.file
    if root and file.startswith(root):
        return f"go:{file.removeprefix(root)}"
    in_standard = not root and bool(STANDARD.match(file)) and not call.function.startswith("main.")
    return f"go:{file}" if in_standard or not file or (not file.startswith("/") and "@v" in file) else file


def waits(calls: Sequence[Call]) -> tuple[str, bool]:
    """Return why a goroutine with these calls waits, and whether it waits to read."""
    names = [call.function for call in calls]
    word = next((word for name in names for function, word in WAITS if name == function), "waits")
    inner = next((name for name in names if name.startswith("internal/poll.(*FD).")), "")
    return word, word == "io-wait" and inner.rpartition(".")[2].startswith(READING)
