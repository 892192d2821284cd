"""The constants that a Node program exports for debuggers (`v8dbg_...`): V8's object layout, and codes of types."""

import mmap
import re
import struct

DYNSYM = 11
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
SEGMENT = struct.Struct("<IIQQQQQQ")
LOAD = 1
PREFIX = b"v8dbg_"
FUNCTION = re.compile(r"type_\w*JS_FUNCTION_TYPE$")


class NoNumbers(Exception):
    """The program is no 64-bit ELF file, or exports none of the numbers that are needed."""


class Numbers:
    """The constants of one program, by name without the prefix."""

    def __init__(self, path: str) -> None:
        """Read them from a program file. Raises NoNumbers, or OSError."""
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:6] != b"\x7fELF\x02\x01":
                raise NoNumbers
            try:
                self._found = dict(_numbers(data))
            except struct.error:
                raise NoNumbers from None
        self.functions = {number for name, number in self._found.items() if FUNCTION.match(name)}
        """The codes of the types of functions."""
        if not self.functions:
            raise NoNumbers

    def __getitem__(self, name: str) -> int:
        try:
            return self._found[name]
        except KeyError:
            raise NoNumbers from None

    def get(self, name: str, other: int) -> int:
        """Return a constant; `other` if this version of V8 does not export it."""
        return self._found.get(name, other)


def _numbers(data: mmap.mmap) -> "list[tuple[str, int]]":
    phoff, shoff = struct.unpack_from("<QQ", data, 32)
    phentsize, phnum, shentsize, shnum = struct.unpack_from("<HHHH", data, 54)
    segments = [SEGMENT.unpack_from(data, phoff + number * phentsize) for number in range(phnum)]
    loads = [(vaddr, offset, size) for kind, _, offset, vaddr, _, size, _, _ in segments if kind == LOAD]
    sections = [SECTION.unpack_from(data, shoff + number * shentsize) for number in range(shnum)]
    table = next((section for section in sections if section[1] == DYNSYM), None)
    if table is None:
        raise NoNumbers
    begin, names = table[4], sections[table[6]][4]
    found = []
    for name, _, _, _, value, size in SYMBOL.iter_unpack(data[begin : begin + table[5]]):
        if size == 4 and data[names + name : names + name + len(PREFIX)] == PREFIX:
            for vaddr, offset, length in loads:
                if vaddr <= value < vaddr + length:
                    text = data[names + name + len(PREFIX) : data.find(b"\0", names + name)].decode("ascii", "replace")
                    found.append((text, struct.unpack_from("<i", data, offset + value - vaddr)[0]))
    return found
